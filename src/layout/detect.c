/*
 * Finding out which tool a folder is written for. See internal.h.
 *
 * The marks, the surest first. Each kind counts once; marks of two kinds are an error that names
 * both, since half of the folder would be passed over or run wrongly.
 *
 * 1. meta/_journal.json: drizzle. Its files begin with a number, which is no mark then.
 * 2. migration_lock.toml, or where no .sql file begins with a number, a folder that begins with a
 *    digit and has migration.sql in it: Prisma; with up.sql in it: diesel.
 * 3. V1__x, U1__x, R__x, B1__x, as SQL or in a programming language: Flyway or refinery. They are
 *    told apart by what the other one does not have: R, B, versions with dots and files for the JVM
 *    are Flyway's, .rs files are refinery's. Where that leaves both, it is Flyway, unless no U file
 *    has a V file of its version: then U may mean either way, and the user has to say it.
 * 4. .sql files that begin with a number. The first and the last few of them are looked into: a
 *    marker of dbmate's or goose's says whose they are. Without one, `-- no-transaction` as the
 *    first line says sqlx, where it would run each file as liteinit does; where all are
 *    NUMBER_x.up.sql and NUMBER_x.down.sql it is golang-migrate; else liteinit. A marker in a file that was not looked into is refused when it is loaded.
 * 5. .go files that begin with a number, and no .sql file that does: goose.
 * 6. V files in folders inside: Flyway.
 * 7. Nothing of it: liteinit.
 */
#include "layout/internal.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"

/* How many files at each end of the list are looked into, and how much of each is read. */
#define SAMPLES 4
#define SAMPLE_MAX ((size_t)1 << 20)
/* How deep folders are looked into that may be of another kind altogether. */
#define DETECT_DEPTH 3

/* What the names say. */
struct marks {
    size_t numbered; /* .sql files */
    size_t paired;   /* those of them that golang-migrate would take */
    size_t plain;    /* those that sqlx would take, and liteinit would run, too */
    size_t go;
    bool drizzle;
    bool lock;
    bool prisma;
    bool diesel;
    size_t v_files;
    size_t u_files;
    size_t u_paired;  /* U files with a V file of their version */
    bool flyway_only; /* what refinery does not have */
    bool refinery_only;
};

static int ambiguous(const char *path, const char *first, const char *second, struct error *err)
{
    (void)error_set(err, ERROR_CONFIG, 0,
                    "the folder of migrations %s may be one of %s or of %s: it has marks of both",
                    path, first, second);
    return error_hint(err,
                      "say whose it is with --layout; or move what does not belong to it out of "
                      "the folder");
}

/* "V1.2" of "V1.2__x.sql": the version with its prefix taken off. */
static void version_of(const char *name, char *out, size_t size)
{
    size_t length = strcspn(name, "_");
    const char *separator = strstr(name, "__");
    if (separator != NULL)
        length = (size_t)(separator - name);
    (void)snprintf(out, size, "%.*s", (int)(length > 0 ? length - 1 : 0), name + 1);
}

/* Whether a name of the listing, which is sorted, begins so. */
static bool has_name(const struct layout_listing *listing, const char *start)
{
    size_t low = 0;
    size_t high = listing->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(listing->items[middle].name, start) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < listing->count && text_starts_with(listing->items[low].name, start);
}

/* Whether there is a V file of the version that a U file has. */
static bool has_partner(const struct layout_listing *listing, const char *version)
{
    char named[144];
    char bare[144];
    (void)snprintf(named, sizeof named, "V%s__", version);
    (void)snprintf(bare, sizeof bare, "V%s.sql", version);
    return has_name(listing, named) || has_name(listing, bare);
}

static void look_at_version_file(const struct layout_listing *listing, const char *name,
                                 const char *language, struct marks *marks)
{
    char version[128];
    version_of(name, version, sizeof version);
    if (name[0] == 'R' || name[0] == 'B' || (name[0] != 'R' && strpbrk(version, "._") != NULL))
        marks->flyway_only = true;
    if (language != NULL && strcmp(language, "Rust") == 0)
        marks->refinery_only = true;
    else if (language != NULL)
        marks->flyway_only = true;
    if (name[0] == 'U') {
        marks->u_files++;
        marks->u_paired += has_partner(listing, version);
    } else {
        marks->v_files++;
    }
}

/* NUMBER_title.up.sql or .down.sql, as golang-migrate writes them. */
static bool is_pair_file(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    return name[digits] == '_' &&
           (text_ends_with(name, ".up.sql") || text_ends_with(name, ".down.sql"));
}

/* NUMBER_title.sql, whose title does not make it a down file to liteinit. */
static bool is_plain_file(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    return name[digits] == '_' && text_ends_with(name, ".sql") &&
           !text_ends_with(name, "_down.sql");
}

static void look_into_folder(const char *path, const char *name, struct marks *marks)
{
    char file[NAME_MAX + 32];
    if (!isdigit((unsigned char)name[0]))
        return;
    (void)snprintf(file, sizeof file, "%s/migration.sql", name);
    marks->prisma = marks->prisma || layout_file_exists(path, file);
    (void)snprintf(file, sizeof file, "%s/up.sql", name);
    marks->diesel = marks->diesel || layout_file_exists(path, file);
}

static void look_at_name(const char *path, const struct layout_listing *listing,
                         const struct layout_entry *entry, struct marks *marks)
{
    const char *language = NULL;
    bool number = isdigit((unsigned char)entry->name[0]) != 0;
    if (entry->folder)
        look_into_folder(path, entry->name, marks);
    else if (layout_flyway_name(entry->name, "VURB", &language))
        look_at_version_file(listing, entry->name, language, marks);
    else if (number && layout_has_suffix(entry->name, ".sql")) {
        marks->numbered++;
        marks->paired += is_pair_file(entry->name);
        marks->plain += is_plain_file(entry->name);
    } else if (number && layout_has_suffix(entry->name, ".go") &&
               !layout_has_suffix(entry->name, "_test.go"))
        marks->go++;
    else if (strcmp(entry->name, "migration_lock.toml") == 0)
        marks->lock = true;
}

/* The beginning of a file, up to SAMPLE_MAX bytes; NULL when it cannot be read, which is told when
 * it is loaded. The caller frees it. */
static char *read_sample(const char *folder, const char *file, size_t *ret_size)
{
    char path[PATH_MAX];
    struct stat st;
    if (!layout_path(path, sizeof path, folder, file))
        return NULL;
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return NULL;
    size_t room = (uintmax_t)st.st_size < SAMPLE_MAX ? (size_t)st.st_size : SAMPLE_MAX;
    char *text = malloc(room + 1);
    size_t size = 0;
    while (text != NULL && size < room) {
        ssize_t n = read(fd, text + size, room - size);
        if (n <= 0)
            break;
        size += (size_t)n;
    }
    *ret_size = size;
    return text;
}

/* What the contents of some files say. */
struct samples {
    bool dbmate;
    bool goose;
    bool sqlx;
};

static void look_into(const char *folder, const char *file, struct samples *samples)
{
    static const char first_line[] = "-- no-transaction";
    size_t size = 0;
    int line = 0;
    cleanup_free char *text = read_sample(folder, file, &size);
    if (text == NULL)
        return;
    enum layout_tool tool = layout_sections_tool(text, size, &line);
    samples->dbmate = samples->dbmate || tool == LAYOUT_DBMATE;
    samples->goose = samples->goose || tool == LAYOUT_GOOSE;
    samples->sqlx = samples->sqlx || (size >= sizeof first_line - 1 &&
                                      memcmp(text, first_line, sizeof first_line - 1) == 0);
}

static bool is_numbered(const struct layout_entry *entry)
{
    return !entry->folder && isdigit((unsigned char)entry->name[0]) &&
           layout_has_suffix(entry->name, ".sql");
}

static struct samples take_samples(const char *path, const struct layout_listing *listing)
{
    struct samples samples = {.sqlx = false};
    size_t first = 0;
    size_t taken = 0;
    for (; first < listing->count && taken < SAMPLES; first++)
        if (is_numbered(&listing->items[first])) {
            look_into(path, listing->items[first].name, &samples);
            taken++;
        }
    taken = 0;
    for (size_t i = listing->count; i > first && taken < SAMPLES; i--)
        if (is_numbered(&listing->items[i - 1])) {
            look_into(path, listing->items[i - 1].name, &samples);
            taken++;
        }
    return samples;
}

/* Rule 4. */
static int detect_numbered(const char *path, const struct layout_listing *listing,
                           const struct marks *marks, enum layout_tool *ret_tool, struct error *err)
{
    struct samples samples = take_samples(path, listing);
    if (samples.dbmate && samples.goose)
        return ambiguous(path, "dbmate", "goose", err);
    if (samples.dbmate)
        *ret_tool = LAYOUT_DBMATE;
    else if (samples.goose)
        *ret_tool = LAYOUT_GOOSE;
    else if (samples.sqlx && marks->plain == marks->numbered)
        *ret_tool = LAYOUT_SQLX;
    else
        *ret_tool = marks->paired == marks->numbered ? LAYOUT_GOLANG_MIGRATE : LAYOUT_LITEINIT;
    return 0;
}

/* Rule 3. */
static int detect_versioned(const char *path, const struct marks *marks, enum layout_tool *ret_tool,
                            struct error *err)
{
    if (marks->flyway_only && marks->refinery_only)
        return ambiguous(path, "flyway", "refinery", err);
    if (!marks->flyway_only && !marks->refinery_only && marks->u_files > 0 &&
        marks->u_paired == 0) {
        (void)error_set(err, ERROR_CONFIG, 0,
                        "the folder of migrations %s may be one of flyway or of refinery: it has U "
                        "files without a V file of their version, which take something back for "
                        "one, and are applied for the other",
                        path);
        return error_hint(err, "say whose it is: --layout refinery, or --layout flyway");
    }
    *ret_tool = marks->refinery_only ? LAYOUT_REFINERY : LAYOUT_FLYWAY;
    return 0;
}

/* Rule 6. */
static bool has_versions_inside(const char *path)
{
    struct error err;
    struct layout_listing listing = {.items = NULL};
    const char *language = NULL;
    bool found = false;
    if (layout_list(path, DETECT_DEPTH, &listing, &err) != 0)
        return false;
    for (size_t i = 0; i < listing.count && !found; i++)
        found = !listing.items[i].folder &&
                layout_flyway_name(listing.items[i].name, "VR", &language) && language == NULL;
    layout_listing_free(&listing);
    return found;
}

/* The kinds of marks that are there, in the order of the rules; at most four. */
static size_t kinds_of(const struct marks *marks, enum layout_tool *kinds)
{
    size_t n = 0;
    if (marks->drizzle)
        kinds[n++] = LAYOUT_DRIZZLE;
    if (marks->lock || (marks->prisma && marks->numbered == 0))
        kinds[n++] = LAYOUT_PRISMA;
    if (marks->diesel && marks->numbered == 0)
        kinds[n++] = LAYOUT_DIESEL;
    if (marks->v_files + marks->u_files > 0)
        kinds[n++] = LAYOUT_FLYWAY;
    if (marks->numbered > 0 && !marks->drizzle)
        kinds[n++] = LAYOUT_LITEINIT;
    return n;
}

int layout_detect(const char *path, const struct layout_listing *listing,
                  enum layout_tool *ret_tool, struct error *err)
{
    struct marks marks = {.numbered = 0};
    enum layout_tool kinds[5];
    bool folders = false;
    for (size_t i = 0; i < listing->count; i++) {
        look_at_name(path, listing, &listing->items[i], &marks);
        folders = folders || listing->items[i].folder;
    }
    marks.drizzle = layout_file_exists(path, "meta/_journal.json");
    size_t count = kinds_of(&marks, kinds);
    if (count > 1)
        return ambiguous(path, layout_tool_name(kinds[0]), layout_tool_name(kinds[1]), err);
    if (count == 0 && marks.go > 0)
        *ret_tool = LAYOUT_GOOSE;
    else if (count == 0)
        *ret_tool = folders && has_versions_inside(path) ? LAYOUT_FLYWAY : LAYOUT_LITEINIT;
    else if (kinds[0] == LAYOUT_FLYWAY)
        return detect_versioned(path, &marks, ret_tool, err);
    else if (kinds[0] == LAYOUT_LITEINIT)
        return detect_numbered(path, listing, &marks, ret_tool, err);
    else
        *ret_tool = kinds[0];
    return 0;
}
