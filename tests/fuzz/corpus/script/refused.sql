SELECT 1;
ATTACH ':memory:' AS other;