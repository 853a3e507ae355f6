/* Finds the tables of tools.h in a database. See tools.h. */
#include "foreign/tools.h"

#include <string.h>
#include <strings.h>

#include "store/sql.h"

/* Whether `word` of `length` bytes is one of the words of a list. */
static bool is_listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    while (*list != '\0') {
        size_t n = strcspn(list, " ");
        if (n == length && strncasecmp(list, word, n) == 0)
            return true;
        list += n;
        list += strspn(list, " ");
    }
    return false;
}

static size_t count_words(const char *list)
{
    size_t words = 1;
    for (; *list != '\0'; list++)
        words += *list == ' ';
    return words;
}

/* Whether a table is there, and whether it has the columns. Only a table of the main schema counts:
 * a view or a temporary table is nobody's history. */
static int look_at(sqlite3 *handle, const char *table, const char *columns, bool exact,
                   bool *ret_there, bool *ret_fits, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    size_t wanted = 0;
    size_t others = 0;
    int code = SQLITE_DONE;
    bool there = false;
    if (sql_table_exists(handle, table, &there, err) != 0)
        return -1;
    if (there) {
        if (sql_prepare(handle, "SELECT name FROM pragma_table_info(?1, 'main')", &statement,
                        err) != 0)
            return -1;
        (void)sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
            const char *name = (const char *)sqlite3_column_text(statement, 0);
            if (name != NULL && is_listed(columns, name))
                wanted++;
            else
                others++;
        }
        if (code != SQLITE_DONE)
            return sql_error(err, handle, "cannot look at the table %s", table);
    }
    *ret_there = there;
    *ret_fits = there && wanted == count_words(columns) && (!exact || others == 0);
    return 0;
}

static int read_user_version(sqlite3 *handle, bool *ret_there, struct error *err)
{
    int64_t version = 0;
    if (sql_int(handle, "PRAGMA main.user_version", 0, &version, err) != 0)
        return -1;
    *ret_there = version > 0;
    return 0;
}

int foreign_tool_has_table(sqlite3 *handle, const struct foreign_tool *tool, bool *ret_there,
                           struct error *err)
{
    bool there = false;
    if (tool->columns == NULL)
        return read_user_version(handle, ret_there, err);
    return look_at(handle, tool->table, tool->columns, tool->exact, &there, ret_there, err);
}

static bool is_taken(const struct foreign_found *found, size_t count, const char *table)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(found[i].tool->table, table) == 0)
            return true;
    return false;
}

/* *ret_found: this tool's history is there, or something that has its table's name. */
static int detect_one(sqlite3 *handle, const struct foreign_tool *tool, bool *ret_there,
                      bool *ret_fits, struct error *err)
{
    bool there = false;
    bool fits = false;
    if (look_at(handle, tool->table, tool->columns, tool->exact, &there, &fits, err) != 0)
        return -1;
    if (fits && tool->beside != NULL && sql_table_exists(handle, tool->beside, &fits, err) != 0)
        return -1;
    *ret_there = there && (fits || tool->known_by_name);
    *ret_fits = fits;
    return 0;
}

int foreign_detect(sqlite3 *handle, struct foreign_found ret_found[FOREIGN_FOUND_MAX],
                   size_t *ret_count, struct error *err)
{
    struct foreign_found found[FOREIGN_FOUND_MAX] = {{.tool = NULL}};
    size_t count = 0;
    size_t tool_count = 0;
    const struct foreign_tool *tools = foreign_tools(&tool_count);
    for (size_t i = 0; i < tool_count; i++) {
        bool there = false;
        bool fits = false;
        if (tools[i].columns == NULL || is_taken(found, count, tools[i].table))
            continue;
        if (detect_one(handle, &tools[i], &there, &fits, err) != 0)
            return -1;
        if (there)
            found[count++] = (struct foreign_found){.tool = &tools[i], .readable = fits};
    }
    for (size_t i = 0; i < tool_count && count == 0; i++) {
        bool there = false;
        if (tools[i].columns != NULL)
            continue;
        if (foreign_tool_has_table(handle, &tools[i], &there, err) != 0)
            return -1;
        if (there)
            found[count++] = (struct foreign_found){.tool = &tools[i], .readable = true};
    }
    memcpy(ret_found, found, sizeof found);
    *ret_count = count;
    return 0;
}
