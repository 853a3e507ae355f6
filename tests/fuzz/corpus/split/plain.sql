CREATE TABLE shelves (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE INDEX shelves_by_name ON shelves (name);
INSERT INTO shelves (name) VALUES ('cellar'), ('it''s; full');
