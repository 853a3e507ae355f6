-- The same rebuild the other way. The minimum is given up; the units stay as 003 wrote them.

DROP VIEW "stock; by shelf";
DROP TRIGGER movement_counts;
DROP INDEX items_by_name;

CREATE TABLE items_old (
    id         INTEGER PRIMARY KEY,
    shelf_id   INTEGER REFERENCES shelves (id) ON DELETE SET NULL,
    name       TEXT NOT NULL,
    unit       TEXT,
    quantity   INTEGER NOT NULL DEFAULT 0,
    note       TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

INSERT INTO items_old (id, shelf_id, name, unit, quantity, note, created_at)
    SELECT id, shelf_id, name, unit, quantity, note, created_at FROM items;

DROP TABLE items;
ALTER TABLE items_old RENAME TO items;

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

CREATE VIEW "stock; by shelf" AS
    SELECT coalesce(shelves.name, 'nowhere; yet') AS shelf, items.name, items.quantity
      FROM items LEFT JOIN shelves ON shelves.id = items.shelf_id;
