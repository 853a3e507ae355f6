SELECT ';', "x;""y", `a;b`, [c;d], x'00ff', X'AB' /* ; */ -- ; '
;SELECT 'a''b;''';