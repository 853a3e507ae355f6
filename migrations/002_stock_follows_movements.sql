-- From here on the database counts: a movement changes its item's quantity, and what runs out goes
-- on the shopping list; the app need not remember either.
/* The bodies of triggers hold semicolons; so do these comments; and so do some of the strings. */

CREATE TABLE "shopping" (
    item_id INTEGER PRIMARY KEY REFERENCES items (id) ON DELETE CASCADE,
    reason  TEXT NOT NULL DEFAULT 'used up; buy more',
    since   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE TRIGGER movement_counts AFTER INSERT ON movements
BEGIN
    UPDATE items SET quantity = quantity + NEW.change WHERE id = NEW.item_id;
    -- Gone; or less than gone, when somebody forgot to write a purchase down.
    INSERT OR IGNORE INTO shopping (item_id, reason)
        SELECT id,
               CASE WHEN quantity < 0
                    THEN 'below zero; it''s time to count; then buy'
                    ELSE 'used up; buy more'
               END
          FROM items
         WHERE id = NEW.item_id AND quantity <= 0;
    DELETE FROM shopping
     WHERE item_id = NEW.item_id
       AND (SELECT quantity FROM items WHERE id = NEW.item_id) > 0;
END;

CREATE TRIGGER movement_is_history BEFORE UPDATE ON movements
BEGIN
    SELECT RAISE(ABORT, 'a movement is history; add another one instead');
END;

CREATE VIEW "stock; by shelf" AS
    SELECT coalesce(shelves.name, 'nowhere; yet') AS shelf, items.name, items.quantity
      FROM items LEFT JOIN shelves ON shelves.id = items.shelf_id;
