

/* x */ 
-- liteinit: foreign-keys=of
SELECT 1;