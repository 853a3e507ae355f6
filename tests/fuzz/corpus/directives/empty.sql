-- liteinit:
-- liteinit: ,,	 
SELECT 1;