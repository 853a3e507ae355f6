/* See rehearse.h. */
#include "prepare/rehearse.h"

#include <stdio.h>
#include <string.h>

#include "backup/clone.h"
#include "base/clock.h"
#include "migrate/apply.h"
#include "migrate/plan.h"
#include "migrate/rollback.h"
#include "migrate/way_back.h"
#include "store/check.h"
#include "store/interrupt.h"

/* Where nobody wants to know what each migration writes, several of them share a WAL up to here:
 * what SQLite takes for large itself, 1000 pages. */
#define WAL_LARGE ((int64_t)4 << 20)

struct rehearsing {
    const struct prepare_rehearse_request *request;
    struct store_location location; /* of the copy */
    struct store_database *copy;
    struct migrate_plan plan; /* of the copy */
    bool planned;
    struct prepare_rehearsal *rehearsal;

    /* The migration that runs. */
    struct migrate_snapshot before;
    int64_t size_before;
    int64_t violations_before; /* -1: it may not add any */

    int64_t first_size; /* of the copy */
    int failed;         /* an observer's own failure: it cannot stop the migrations */
    struct error failure;
};

static struct prepare_rehearsal_item *current(struct rehearsing *r)
{
    return r->rehearsal->count > 0 ? &r->rehearsal->items[r->rehearsal->count - 1] : NULL;
}

/* With foreign-keys=warn a migration may add violations; without it they abort. */
static bool may_break_keys(struct rehearsing *r, const struct migrate_item *item)
{
    struct layout_script script;
    struct error ignored;
    const struct migrate_way_back *way = r->request->way;
    size_t index = item->number - 1;
    if (item->direction == LAYOUT_DOWN)
        return way != NULL && index < way->count &&
               way->steps[index].script.directives.foreign_keys == LAYOUT_FOREIGN_KEYS_WARN;
    if (index >= r->plan.pending_count ||
        layout_script_load(&r->plan.folder, r->plan.pending[index], LAYOUT_UP, &script, &ignored) !=
            0)
        return false;
    bool warns = script.directives.foreign_keys == LAYOUT_FOREIGN_KEYS_WARN;
    layout_script_free(&script);
    return warns;
}

static int64_t count_violations(struct rehearsing *r)
{
    struct store_check check;
    if (r->failed == 0)
        r->failed = store_check_foreign_keys(store_handle(r->copy), &check, &r->failure);
    return r->failed == 0 ? check.foreign_keys : 0;
}

/* From here on the WAL holds what the migration writes, and no more. */
static void empty_wal(struct rehearsing *r)
{
    struct store_checkpoint fold;
    if (r->failed == 0)
        r->failed = store_checkpoint_truncate(r->copy, &fold, &r->failure);
}

static void take_snapshot(struct rehearsing *r, struct migrate_snapshot *snapshot)
{
    if (r->failed == 0)
        r->failed =
            migrate_snapshot_take(store_handle(r->copy), &r->plan.history, snapshot, &r->failure);
}

static void look_before(struct rehearsing *r, const struct migrate_item *item)
{
    migrate_snapshot_free(&r->before);
    take_snapshot(r, &r->before);
    r->violations_before = may_break_keys(r, item) ? count_violations(r) : -1;
    empty_wal(r);
    r->size_before = store_file_size(&r->location);
}

static void on_begin(void *context, const struct migrate_item *item)
{
    struct rehearsing *r = context;
    r->rehearsal->failed_version = item->version;
    if (r->failed == 0)
        r->failed = prepare_rehearsal_add(r->rehearsal, item->version, item->name, item->file,
                                          item->direction, &r->failure);
    if (!r->request->unreported)
        look_before(r, item);
    const struct migrate_observer *listener = r->request->observer;
    if (listener != NULL && listener->begin != NULL)
        listener->begin(listener->context, item);
}

static void on_progress(void *context, const struct migrate_item *item,
                        const struct migrate_progress *progress)
{
    const struct rehearsing *r = context;
    const struct migrate_observer *listener = r->request->observer;
    if (listener != NULL && listener->progress != NULL)
        listener->progress(listener->context, item, progress);
}

static void on_touching(void *context, struct sqlite3 *handle, const char *table)
{
    struct rehearsing *r = context;
    migrate_snapshot_touch(&r->before, handle, table);
}

static void on_notice(void *context, const char *file, int line, const char *sentence)
{
    const struct rehearsing *r = context;
    (void)file;
    prepare_rehearsal_note(r->rehearsal, line, sentence);
}

static void measure(struct rehearsing *r, struct prepare_rehearsal_item *item)
{
    struct prepare_rehearsal *all = r->rehearsal;
    item->wal_bytes = store_wal_size(&r->location);
    int64_t space = r->size_before - r->first_size + item->wal_bytes;
    empty_wal(r);
    item->growth = store_file_size(&r->location) - r->size_before;
    /* While it is folded in, the WAL and the larger main file are there at once. */
    if (item->growth > 0)
        space += item->growth;
    if (item->wal_bytes > all->wal_bytes)
        all->wal_bytes = item->wal_bytes;
    if (space > all->space_bytes)
        all->space_bytes = space;
}

static void look_after(struct rehearsing *r, struct prepare_rehearsal_item *item)
{
    struct migrate_snapshot after = {.count = 0};
    measure(r, item);
    take_snapshot(r, &after);
    if (r->failed == 0)
        r->failed = migrate_difference_make(&r->before, &after, store_handle(r->copy),
                                            &item->difference, &r->failure);
    migrate_snapshot_free(&after);
    if (r->violations_before >= 0) {
        int64_t now = count_violations(r);
        item->new_violations = now > r->violations_before ? now - r->violations_before : 0;
    }
}

static void on_done(void *context, const struct migrate_item *migration, int64_t duration_ms)
{
    struct rehearsing *r = context;
    struct prepare_rehearsal_item *item = current(r);
    (void)migration;
    if (r->failed != 0 || item == NULL)
        return;
    r->rehearsal->failed_version = 0;
    item->duration_ms = duration_ms;
    if (!r->request->unreported) {
        look_after(r, item);
        return;
    }
    item->wal_bytes = store_wal_size(&r->location);
    if (item->wal_bytes > r->rehearsal->wal_bytes)
        r->rehearsal->wal_bytes = item->wal_bytes;
    if (item->wal_bytes > WAL_LARGE)
        empty_wal(r);
}

static int make_plan(struct rehearsing *r, struct error *err)
{
    if (r->planned)
        migrate_plan_free(&r->plan);
    r->planned = false;
    if (migrate_plan_build(store_handle(r->copy), r->request->source, r->request->target, &r->plan,
                           err) != 0)
        return -1;
    r->planned = true;
    return migrate_plan_renumber(&r->plan, err);
}

static int run_migrations(struct rehearsing *r, struct error *err)
{
    const struct migrate_observer observer = {.context = r,
                                              .begin = on_begin,
                                              .touching =
                                                  r->request->unreported ? NULL : on_touching,
                                              .progress = on_progress,
                                              .done = on_done,
                                              .notice = on_notice};
    const struct migrate_apply_options options = {.app_version = r->request->app_version,
                                                  .on_copy = true};
    int64_t mended = 0;
    size_t done = 0;
    if (make_plan(r, err) != 0 || migrate_history_mend(&r->plan.history, &mended, err) != 0)
        return -1;
    /* What is pending may be more after the schema went back. */
    if (r->request->way != NULL &&
        (migrate_rollback(store_handle(r->copy), &r->plan.history, r->request->way, &options,
                          &observer, &done, err) != 0 ||
         make_plan(r, err) != 0))
        return -1;
    if (r->request->only_back)
        return 0;
    return migrate_apply(store_handle(r->copy), &r->plan, &options, &observer, &done, err);
}

/* As after the real ones. */
static int check_copy(struct rehearsing *r, struct error *err)
{
    struct store_check check;
    const struct prepare_rehearse_request *request = r->request;
    if (!request->check || r->rehearsal->count == 0)
        return 0;
    if (store_check_run(store_handle(r->copy), request->full_check, true, &check, err) != 0)
        return -1;
    r->rehearsal->check_ms = check.duration_ms;
    if (check.problems == 0)
        return 0;
    r->rehearsal->failed_version = current(r)->version;
    (void)error_set(err, ERROR_DATA, 0,
                    "the migrations damage the database %s: %s (%lld %s in all)",
                    store_database_location(request->database)->db, check.first_problem,
                    (long long)check.problems, check.problems == 1 ? "finding" : "findings");
    return -1;
}

/* Whoever may write to the database's folder can put a link in the rehearsal's place, which would lead
 * the migrations to another database. Its path has no link in it when it is made, and SQLite is told
 * to follow none. */
static int locate_copy(struct rehearsing *r, const char *path, struct error *err)
{
    if (store_locate(path, &r->location, err) != 0)
        return -1;
    if (strcmp(r->location.db, path) == 0)
        return 0;
    return store_planted_error(path, err);
}

static int run_on_copy(struct rehearsing *r, const char *path, struct error *err)
{
    if (locate_copy(r, path, err) != 0 ||
        store_open(&r->location, STORE_EXCLUSIVE, 0, &r->copy, err) != 0)
        return -1;
    int result = store_make_private(r->copy, err);
    if (result == 0) {
        r->first_size = store_file_size(&r->location);
        result = run_migrations(r, err);
    }
    if (result == 0 && r->failed != 0) {
        *err = r->failure;
        result = -1;
    }
    if (result == 0)
        result = check_copy(r, err);
    else if (r->rehearsal->failed_version != 0)
        prepare_rehearsal_drop(r->rehearsal);
    return result;
}

/* What mends the migration stays the first thing that is said; what a failing disk means for the
 * real database is not to be said of a copy. */
static void add_hint(struct error *err)
{
    char remedy[sizeof err->hint] = "";
    if (err->kind != ERROR_IO)
        (void)snprintf(remedy, sizeof remedy, "%s", err->hint);
    if (remedy[0] == '\0' && err->kind == ERROR_DATA)
        (void)snprintf(remedy, sizeof remedy, "mend the file");
    size_t length = strlen(remedy);
    if (length > 0 && remedy[length - 1] == '.')
        remedy[length - 1] = '\0';
    (void)error_hint(err,
                     "%.400s%sthis was a rehearsal on a copy: the database itself is untouched",
                     remedy, remedy[0] != '\0' ? "; " : "");
}

int prepare_rehearse(const struct prepare_rehearse_request *request,
                     struct prepare_rehearsal *ret_rehearsal, bool *ret_made, struct error *err)
{
    struct backup_clone clone = {.dir_fd = -1};
    struct rehearsing r = {.request = request, .rehearsal = ret_rehearsal};
    bool made = false;
    *ret_rehearsal = (struct prepare_rehearsal){.count = 0};
    if (backup_clone_make(request->database, request->only_if_free, request->small, &clone, &made,
                          err) != 0)
        return -1;
    *ret_made = made;
    if (!made)
        return 0;
    ret_rehearsal->cloned = clone.cloned;
    ret_rehearsal->bytes = clone.bytes;
    ret_rehearsal->copy_ms = clone.duration_ms;
    int result = run_on_copy(&r, clone.db, err);
    if (r.planned)
        migrate_plan_free(&r.plan);
    migrate_snapshot_free(&r.before);
    /* The copy goes as it is: folding its WAL in would be for nothing. */
    if (r.copy != NULL)
        store_keep_wal(r.copy);
    store_close(r.copy);
    backup_clone_remove(&clone);
    store_interrupt_watch(store_handle(request->database));
    if (result != 0 && err->kind != ERROR_INTERRUPTED)
        add_hint(err);
    return result;
}
