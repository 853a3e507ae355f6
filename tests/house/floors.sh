#!/bin/sh
# Shows that a folder of src/ can include what the design allows it, and nothing else.
# floors.sh CC PATHS SRC: PATHS holds one file a folder, with the include paths of its target.
#
# The table below is written down a second time on purpose: this test does not believe CMake's.
set -eu
cc=$1
paths=$2
src=$3

folders="base config proc layout store foreign migrate backup supervise validate prepare cli"
may_use() {
    case $1 in
    base) echo "" ;;
    config | proc | layout | store) echo "base" ;;
    foreign) echo "store base" ;;
    migrate) echo "foreign layout store base" ;;
    backup) echo "store base" ;;
    supervise) echo "proc config base" ;;
    validate) echo "migrate layout store base" ;;
    prepare) echo "migrate backup foreign layout store proc config base" ;;
    cli) echo "validate prepare supervise migrate backup foreign layout store proc config base" ;;
    esac
}
libraries="sqlite3.h uv.h cjson/cJSON.h nettle/sha2.h"
may_include() {
    case $1 in
    base) echo "nettle/sha2.h" ;;
    store | foreign | migrate | validate) echo "sqlite3.h" ;;
    backup) echo "sqlite3.h cjson/cJSON.h" ;;
    supervise) echo "uv.h cjson/cJSON.h" ;;
    config | layout | cli) echo "cjson/cJSON.h" ;;
    esac
}

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
failed=0
tried=0

# compile FOLDER ARG…: the compiler with the folder's include paths, on standard input.
compile() {
    paths_of=$paths/$1
    shift
    set -- "$cc" -std=gnu17 -D_GNU_SOURCE "$@" -x c
    while read -r dir; do
        [ -z "$dir" ] || set -- "$@" "-I$dir"
    done <"$paths_of"
    "$@" - >"$temp/out" 2>&1
}

# compiles FOLDER HEADER: does a file of FOLDER that includes HEADER compile?
compiles() {
    printf '#include "%s"\nextern int nothing_else;\n' "$2" >"$temp/include.c"
    compile "$1" -fsyntax-only <"$temp/include.c"
}

# is_in WORD LIST
is_in() { case " $2 " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# expect FOLDER HEADER yes, or expect FOLDER HEADER no REASON: a forbidden include must fail for the
# right reason, which is a pattern of the compiler's message.
expect() {
    tried=$((tried + 1))
    if compiles "$1" "$2"; then got=yes; else got=no; fi
    if [ "$3" = no ] && [ $got = no ] && ! grep -q "$4" "$temp/out"; then
        got="no, but for another reason"
    fi
    [ "$got" = "$3" ] && return
    failed=$((failed + 1))
    echo "FAILED: src/$1 includes \"$2\": expected it to compile: $3, got: $got"
    sed 's/^/    /' "$temp/out"
}

# fenced FOLDER: did the last one fail only because the header is for those who may use a library
# that FOLDER may not (store's own helpers take sqlite3 handles, supervise's libuv ones)?
fenced() {
    grep -q 'No such file' "$temp/out" && return 1
    library=$(sed -n 's/.*may not use \([^:]*\):.*/\1/p' "$temp/out" | head -n 1)
    [ -n "$library" ] && ! is_in "$library" "$(may_include "$1")"
}

# within_reach FOLDER HEADER…: those headers that a file of FOLDER would find.
within_reach() {
    for header in "$@"; do
        [ "$header" = "$1" ] || printf '#if __has_include("%s")\nreach %s\n#endif\n' "$header" "$header"
    done >"$temp/ask.c"
    compile "$1" -E <"$temp/ask.c" || true
    sed -n 's/^reach //p' "$temp/out"
}

for folder in $folders; do
    [ -f "$paths/$folder" ] || continue
    forbidden=
    for other in $folders; do
        usable=none
        for file in "$src/$other"/*.h; do
            [ -f "$file" ] || continue
            header=$other/${file##*/}
            if [ "$other" = "$folder" ]; then
                expect "$folder" "$header" yes # the positive control, and: it stands by itself
            elif ! is_in "$other" "$(may_use "$folder")"; then
                forbidden="$forbidden $header"
                tried=$((tried + 1))
            elif [ "$usable" = none ]; then
                usable=no
            fi
            if [ "$usable" = no ]; then
                tried=$((tried + 1))
                if compiles "$folder" "$header"; then
                    usable=yes
                elif ! fenced "$folder"; then
                    expect "$folder" "$header" yes
                fi
            fi
        done
        if [ $usable = no ]; then
            failed=$((failed + 1))
            echo "FAILED: src/$folder can include no header at all of src/$other"
        fi
    done
    # shellcheck disable=SC2086 # a list of words
    for header in $(within_reach "$folder" $forbidden); do
        failed=$((failed + 1))
        echo "FAILED: src/$folder can include \"$header\", which is above or beside it"
    done
    # The question itself works: its own headers are within reach.
    for file in "$src/$folder"/*.h; do
        [ ! -f "$file" ] || [ -n "$(within_reach "$folder" "$folder/${file##*/}")" ] || {
            failed=$((failed + 1))
            echo "FAILED: src/$folder does not find its own ${file##*/}"
        }
        break
    done
    for library in $libraries; do
        if is_in "$library" "$(may_include "$folder")"; then
            expect "$folder" "$library" yes
        else
            expect "$folder" "$library" no "may not use $library"
        fi
    done
done

echo "$tried includes tried, $failed not as the design has it"
[ $tried -gt 0 ] && [ $failed -eq 0 ]
