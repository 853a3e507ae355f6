CREATE TABLE a (x); -- liteinit: irreversible, but too late
