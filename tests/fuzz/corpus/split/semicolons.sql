;; ; SELECT 1;;
;