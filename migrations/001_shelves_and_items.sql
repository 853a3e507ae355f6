-- The pantry's first tables: shelves, what stands on them, and each time something came or went.
-- Table names are quoted so that the text in the schema is the same after a later rebuild.

CREATE TABLE "shelves" (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE "items" (
    id         INTEGER PRIMARY KEY,
    shelf_id   INTEGER REFERENCES shelves (id) ON DELETE SET NULL,
    name       TEXT NOT NULL,
    unit       TEXT,
    quantity   INTEGER NOT NULL DEFAULT 0,
    note       TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE TABLE "movements" (
    id      INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
    change  INTEGER NOT NULL CHECK (change <> 0),
    note    TEXT NOT NULL DEFAULT '',
    made_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE INDEX movements_by_item ON movements (item_id, id);

INSERT INTO shelves (id, name) VALUES (1, 'Cellar'), (2, 'Kitchen');

-- What the household's paper list said. Units as people write them; 003 puts them in order.
INSERT INTO items (id, shelf_id, name, unit, quantity) VALUES
    (1, 1, 'Potatoes',   'Kilo', 10),
    (2, 2, 'Rice',       'KG',    2),
    (3, 2, 'Olive oil',  'l',     1),
    (4, 1, 'Jam jars',   NULL,   12);

INSERT INTO movements (item_id, change, note)
    SELECT id, quantity, 'from the paper list' FROM items;
