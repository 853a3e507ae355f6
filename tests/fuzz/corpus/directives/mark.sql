-- liteinit: foreign-keys=warn
SELECT 1;