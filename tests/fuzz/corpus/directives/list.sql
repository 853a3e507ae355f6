-- liteinit: no-transaction, allow-row-loss legacy-alter-table=on
SELECT 1;