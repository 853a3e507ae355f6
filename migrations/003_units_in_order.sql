-- Every item gets a known unit, and a minimum that should be in stock. SQLite cannot add a CHECK to
-- a column that exists, so items is rebuilt: the new table beside it, rows copied, the old one
-- dropped, the new one renamed. movements and shopping point at items with ON DELETE CASCADE: with
-- foreign keys on, the DROP would empty both of them. liteinit has them off while this runs, and
-- looks for new violations before it commits.

-- Triggers and views that name items stand in the way of the rename: away, and made again below.
DROP VIEW "stock; by shelf";
DROP TRIGGER movement_counts;

CREATE TABLE items_new (
    id         INTEGER PRIMARY KEY,
    shelf_id   INTEGER REFERENCES shelves (id) ON DELETE SET NULL,
    name       TEXT NOT NULL CHECK (trim(name) <> ''),
    unit       TEXT NOT NULL DEFAULT 'piece' CHECK (unit IN ('piece', 'kg', 'g', 'litre', 'ml')),
    quantity   INTEGER NOT NULL DEFAULT 0,
    minimum    INTEGER NOT NULL DEFAULT 0 CHECK (minimum >= 0),
    note       TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

INSERT INTO items_new (id, shelf_id, name, unit, quantity, note, created_at)
    SELECT id, shelf_id, name,
           CASE lower(coalesce(unit, ''))
               WHEN 'kg' THEN 'kg' WHEN 'kilo' THEN 'kg'
               WHEN 'g' THEN 'g' WHEN 'gram' THEN 'g'
               WHEN 'l' THEN 'litre' WHEN 'litre' THEN 'litre' WHEN 'liter' THEN 'litre'
               WHEN 'ml' THEN 'ml'
               ELSE 'piece'
           END,
           quantity, note, created_at
      FROM items;

DROP TABLE items;
ALTER TABLE items_new RENAME TO items;

CREATE INDEX items_by_name ON items (name COLLATE NOCASE);

CREATE TRIGGER movement_counts AFTER INSERT ON movements
BEGIN
    UPDATE items SET quantity = quantity + NEW.change WHERE id = NEW.item_id;
    INSERT OR IGNORE INTO shopping (item_id, reason)
        SELECT id,
               CASE WHEN quantity < 0
                    THEN 'below zero; it''s time to count; then buy'
                    ELSE 'running low; buy more'
               END
          FROM items
         WHERE id = NEW.item_id AND quantity <= minimum;
    DELETE FROM shopping
     WHERE item_id = NEW.item_id
       AND (SELECT quantity > minimum FROM items WHERE id = NEW.item_id);
END;

CREATE VIEW "stock; by shelf" AS
    SELECT coalesce(shelves.name, 'nowhere; yet') AS shelf, items.name, items.quantity, items.unit
      FROM items LEFT JOIN shelves ON shelves.id = items.shelf_id;
