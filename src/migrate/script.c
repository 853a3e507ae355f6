/* See script.h. */
#include "migrate/script.h"

#include "migrate/statement.h"

static int run_statement(struct migrate_reader *reader, struct error *err)
{
    switch (reader->now.intent) {
    case MIGRATE_BEGIN:
        migrate_reader_notice(reader, "BEGIN is skipped: the transaction is liteinit's");
        return 0;
    case MIGRATE_COMMIT:
        migrate_reader_notice(reader, "COMMIT is skipped: liteinit commits at the end");
        return 0;
    case MIGRATE_SAVEPOINT:
        migrate_reader_notice(reader, "SAVEPOINT is skipped: the transaction is liteinit's");
        return 0;
    case MIGRATE_RELEASE:
        migrate_reader_notice(reader, "RELEASE is skipped: liteinit commits at the end");
        return 0;
    case MIGRATE_NOTHING:
    case MIGRATE_PASSED_OVER:
        return 0;
    case MIGRATE_PLAIN:
        break;
    }
    return migrate_reader_run(reader, err);
}

int migrate_script_run(struct sqlite3 *handle, const struct layout_script *script,
                       struct migrate_guard *guard, struct migrate_ticker *ticker,
                       const struct migrate_observer *observer, struct error *err)
{
    struct migrate_reader reader;
    bool more = true;
    int result = 0;
    migrate_reader_open(&reader, handle, script->file, script->text, script->size, guard, observer);
    while (result == 0 && more) {
        result = migrate_reader_next(&reader, &more, err);
        if (result == 0 && more) {
            migrate_ticker_move(ticker, reader.number);
            result = run_statement(&reader, err);
        }
    }
    migrate_reader_close(&reader);
    return result;
}
