/*
-- liteinit: irreversible
*/ SELECT 1;