-- first; comment
/* second;
 ' " */ SELECT 1 -- third
; /* last */