/* See stepwise.h. */
#include "migrate/stepwise.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "layout/split.h"
#include "layout/tokens.h"
#include "migrate/mark.h"
#include "migrate/session.h"
#include "migrate/statement.h"
#include "store/interrupt.h"
#include "store/sql.h"

struct steps {
    struct migrate_run *run;
    struct migrate_reader reader;
    struct migrate_mark mark; /* behind the last statement that was run */
    size_t kept;              /* statements that stay, whatever happens from here on */
    bool open;                /* a block of the file's own */
    int open_line;
};

/* --- Going on where the last attempt stopped --- */

/* "its first 3 statements are run and stay"; `verb` is for one and for several. */
static const char *say_kept(char *out, size_t size, size_t statements, const char *one,
                            const char *several)
{
    if (statements == 1)
        (void)snprintf(out, size, "its first statement %s", one);
    else if (statements > 1)
        (void)snprintf(out, size, "its first %zu statements %s", statements, several);
    else
        (void)snprintf(out, size, "none of its statements %s", one);
    return out;
}

/* The data from before the first statement; NULL: not known. */
static char *first_backup(const struct migrate_run *run)
{
    struct error ignored;
    char *backup = NULL;
    store_interrupt_shield(true);
    if (migrate_history_first_backup(run->history, run->item->version, &backup, &ignored) != 0)
        backup = NULL;
    store_interrupt_shield(false);
    return backup;
}

static int refuse_to_go_on(const struct migrate_run *run, size_t statements, const char *reason,
                           struct error *err)
{
    char kept[96];
    (void)error_set(
        err, ERROR_CONFIG, 0,
        "%s was run without a transaction and stopped: %s in the database; %s", run->item->file,
        say_kept(kept, sizeof kept, statements, "is run and stays", "are run and stay"), reason);
    cleanup_free char *backup = first_backup(run);
    return error_hint(err,
                      "put them back into the file as they were, mend only what follows, and start "
                      "again; or go back to the data from before%s%.300s",
                      backup != NULL ? ", in " : "", backup != NULL ? backup : "");
}

/* A setting of the connection does not outlive it, so what was set is set again. */
static int run_again(struct steps *steps, const char *begin, const char *end, struct error *err)
{
    struct migrate_reader *reader = &steps->reader;
    bool more = false;
    size_t blank = layout_blank_length(begin, (size_t)(end - begin));
    if (begin + blank >= end)
        return 0;
    struct layout_token token = layout_token_next(begin + blank, (size_t)(end - begin) - blank);
    if (!layout_token_is(begin + blank, &token, "PRAGMA"))
        return 0;
    migrate_reader_pass(reader, begin);
    if (migrate_reader_next(reader, &more, err) != 0)
        return -1;
    int result = more && reader->now.intent == MIGRATE_PLAIN ? migrate_reader_run(reader, err) : 0;
    migrate_reader_finish(reader);
    return result;
}

/* Passes over the statements that the note speaks of. */
static int go_on(struct steps *steps, const char *note, struct error *err)
{
    const struct layout_script *script = steps->run->script;
    const char *end = script->text + script->size;
    const char *at = script->text;
    size_t statements = migrate_mark_statements(note);
    if (!script->directives.no_transaction)
        return refuse_to_go_on(steps->run, statements,
                               "the directive no-transaction is gone from the file", err);
    while (at < end && !migrate_mark_is(&steps->mark, note)) {
        const char *begin = at;
        at += layout_statement_length(at, (size_t)(end - at));
        migrate_mark_move(&steps->mark, at);
        if (run_again(steps, begin, at, err) != 0)
            return -1;
    }
    if (!migrate_mark_is(&steps->mark, note))
        return refuse_to_go_on(steps->run, statements, "now they are other ones", err);
    migrate_reader_pass(&steps->reader, at);
    steps->mark.statements = statements;
    steps->reader.number = statements;
    steps->kept = statements;
    return 0;
}

/* --- Units --- */

static int write_note(struct steps *steps, struct error *err)
{
    struct migrate_run *run = steps->run;
    char note[MIGRATE_NOTE_SIZE];
    migrate_mark_format(&steps->mark, note);
    /* Ours is to be written whatever the file has set. */
    run->guard.looking = true;
    int result = sql_exec(run->handle, "PRAGMA query_only = OFF", err);
    if (result == 0)
        result = migrate_history_note(run->history, run->attempt, note, err);
    run->guard.looking = false;
    return result;
}

static int ours(struct steps *steps, const char *sql, struct error *err)
{
    steps->run->guard.looking = true;
    int result = sql_exec(steps->run->handle, sql, err);
    steps->run->guard.looking = false;
    return result;
}

static int commit(struct steps *steps, struct error *err)
{
    steps->run->guard.looking = true;
    int result = migrate_run_commit(steps->run, err);
    steps->run->guard.looking = false;
    if (result == 0)
        steps->kept = steps->mark.statements;
    return result;
}

/* The end of a unit: what it did is looked at, noted and committed. */
static int close_unit(struct steps *steps, struct error *err)
{
    if (migrate_guard_finish(&steps->run->guard, err) != 0) {
        if (!steps->open && err->kind == ERROR_DATA)
            (void)error_hint(err, "put the statements that belong together between BEGIN and "
                                  "COMMIT; each other one stays as soon as it was run");
        return migrate_reader_locate(&steps->reader, err);
    }
    migrate_guard_renew(&steps->run->guard);
    if (write_note(steps, err) != 0 || commit(steps, err) != 0)
        return -1;
    steps->open = false;
    return 0;
}

static int open_block(struct steps *steps, struct error *err)
{
    if (steps->open) {
        (void)error_set(err, ERROR_DATA, 0, "BEGIN within the BEGIN of line %d", steps->open_line);
        return migrate_reader_locate(&steps->reader, err);
    }
    if (ours(steps, "BEGIN IMMEDIATE", err) != 0)
        return -1;
    steps->open = true;
    steps->open_line = steps->reader.place.line;
    return 0;
}

static int run_unit(struct steps *steps, struct error *err)
{
    if (ours(steps, "BEGIN IMMEDIATE", err) != 0 || migrate_reader_run(&steps->reader, err) != 0)
        return -1;
    return close_unit(steps, err);
}

/* What has no effect inside a transaction, and does no harm twice. */
static int run_outside(struct steps *steps, struct error *err)
{
    if (migrate_reader_run(&steps->reader, err) != 0)
        return -1;
    migrate_reader_finish(&steps->reader);
    migrate_guard_renew(&steps->run->guard);
    if (write_note(steps, err) != 0)
        return -1;
    steps->kept = steps->mark.statements;
    return 0;
}

static int run_statement(struct steps *steps, struct error *err)
{
    struct migrate_reader *reader = &steps->reader;
    migrate_mark_move(&steps->mark, reader->now.end);
    steps->mark.statements = reader->number;
    switch (reader->now.intent) {
    case MIGRATE_BEGIN:
        return open_block(steps, err);
    case MIGRATE_COMMIT:
        if (steps->open)
            return close_unit(steps, err);
        migrate_reader_notice(reader, "COMMIT is skipped: no BEGIN is open");
        return 0;
    case MIGRATE_SAVEPOINT:
    case MIGRATE_RELEASE:
        migrate_reader_notice(reader, "SAVEPOINT and RELEASE are skipped: what belongs together is "
                                      "to stand between BEGIN and COMMIT");
        return 0;
    case MIGRATE_NOTHING:
    case MIGRATE_PASSED_OVER:
        return 0;
    case MIGRATE_PLAIN:
        break;
    }
    if (steps->open)
        return migrate_reader_run(reader, err);
    return reader->now.pragma || reader->now.vacuum ? run_outside(steps, err)
                                                    : run_unit(steps, err);
}

static int run_all(struct steps *steps, struct error *err)
{
    bool more = true;
    while (more) {
        if (!steps->open && store_interrupted())
            return error_set(err, ERROR_INTERRUPTED, 0, "interrupted");
        if (migrate_reader_next(&steps->reader, &more, err) != 0)
            return -1;
        migrate_ticker_move(&steps->run->ticker, steps->reader.number);
        if (more && run_statement(steps, err) != 0)
            return -1;
    }
    if (!steps->open)
        return 0;
    return error_set(err, ERROR_DATA, 0, "%s: the BEGIN in line %d has no COMMIT",
                     steps->run->item->file, steps->open_line);
}

/* The record and "success" in one transaction, so that the next start sees both or none. */
static int settle(struct migrate_run *run, bool *ret_stands, struct error *err)
{
    if (sql_exec(run->handle, "PRAGMA query_only = OFF; BEGIN IMMEDIATE", err) != 0)
        return -1;
    bool committing = false;
    int result = migrate_session_reset(run->handle, err);
    if (result == 0)
        result = migrate_run_settle(run, err);
    if (result == 0) {
        committing = true;
        result = migrate_run_commit(run, err);
    }
    if (result == 0)
        return 0;
    migrate_run_rollback(run);
    *ret_stands = committing && migrate_run_stands(run, err);
    return -1;
}

/* What the user has to know: not all of it was rolled back. */
static int explain(const struct steps *steps, struct error *err)
{
    const struct migrate_run *run = steps->run;
    char kept[96];
    if (err->kind == ERROR_CONFIG)
        return -1;
    (void)say_kept(kept, sizeof kept, steps->kept, "stays", "stay");
    if (err->kind == ERROR_INTERRUPTED) {
        (void)error_set(err, ERROR_INTERRUPTED, 0,
                        "migration %s, which has no transaction, was stopped: %s", run->item->file,
                        kept);
        return error_hint(err, "the next start goes on behind them");
    }
    if (steps->kept == 0 || run->on_copy)
        return -1;
    char mend[256];
    cleanup_free char *backup = first_backup(run);
    (void)snprintf(mend, sizeof mend, "%.255s", err->hint);
    return error_hint(err,
                      "%s%s%s, and the next start goes on behind them: mend only what follows."
                      "%s%.200s",
                      mend, mend[0] != '\0' ? ". Without a transaction " : "without a transaction ",
                      kept, backup != NULL ? " The data from before is in " : "",
                      backup != NULL ? backup : "");
}

int migrate_stepwise_run(struct migrate_run *run, const char *note, bool *ret_stands,
                         struct error *err)
{
    struct steps steps = {.run = run};
    const struct layout_script *script = run->script;
    migrate_reader_open(&steps.reader, run->handle, script->file, script->text, script->size,
                        &run->guard, run->observer);
    steps.reader.keeps_no_temporary = true;
    migrate_mark_start(&steps.mark, script->text);
    int result = note[0] != '\0' ? go_on(&steps, note, err) : 0;
    if (result == 0)
        result = run_all(&steps, err);
    migrate_reader_close(&steps.reader);
    if (result != 0)
        migrate_run_rollback(run);
    if (result == 0)
        result = settle(run, ret_stands, err);
    return result == 0 || *ret_stands ? result : explain(&steps, err);
}
