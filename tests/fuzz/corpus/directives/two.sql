-- what it does
-- liteinit: irreversible
--liteinit: foreign-keys=on
SELECT 1;
