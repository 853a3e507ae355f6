DROP VIEW "stock; by shelf";
DROP TRIGGER movement_is_history;
DROP TRIGGER movement_counts;
DROP TABLE shopping;
