DROP TABLE movements;
DROP TABLE items;
DROP TABLE shelves;
