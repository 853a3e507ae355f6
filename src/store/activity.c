/* See activity.h. */
#include "store/activity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "store/lock.h"

#define LINE_SIZE 512

void store_activity_write(int lock_fd, const struct store_activity *activity)
{
    char line[LINE_SIZE];
    int n = 0;
    if (activity != NULL)
        n = snprintf(line, sizeof line,
                     "%s\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64
                     "\t%.255s",
                     activity->phase, activity->number, activity->of, activity->statement,
                     activity->statements, activity->pages, activity->elapsed_ms, activity->file);
    if (n < 0 || n >= LINE_SIZE)
        return;
    /* A line end in a file's name would end the line. */
    for (int i = 0; i < n; i++)
        if (line[i] == '\n')
            line[i] = '?';
    memset(line + n, ' ', (size_t)(LINE_SIZE - n));
    line[n] = '\n';
    line[LINE_SIZE - 1] = '\n';
    (void)!pwrite(lock_fd, line, sizeof line, STORE_LOCK_HOLDER_SIZE);
}

bool store_activity_read(int lock_fd, struct store_activity *ret_activity)
{
    char line[LINE_SIZE + 1];
    struct store_activity activity = {.number = 0};
    int at = 0;
    ssize_t n = pread(lock_fd, line, LINE_SIZE, STORE_LOCK_HOLDER_SIZE);
    if (n <= 0)
        return false;
    line[n] = '\0';
    /* A file may be called anything, and its name may have been cut within a character. */
    text_make_plain(line, (size_t)n);
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, /* NOLINT(cert-err34-c): of our own writing, and only for people */
               "%23[^\t]\t%" SCNd64 "\t%" SCNd64 "\t%" SCNd64 "\t%" SCNd64 "\t%" SCNd64 "\t%" SCNd64
               "\t%n",
               activity.phase, &activity.number, &activity.of, &activity.statement,
               &activity.statements, &activity.pages, &activity.elapsed_ms, &at) < 7 ||
        at == 0)
        return false;
    (void)snprintf(activity.file, sizeof activity.file, "%.255s", line + at);
    *ret_activity = activity;
    return true;
}

void store_activity_describe(const struct store_activity *activity, char *out, size_t size)
{
    struct text_buffer text = {.max = size > 0 ? size - 1 : 0};
    char duration[32];
    text_format_duration(duration, sizeof duration, activity->elapsed_ms);
    (void)text_buffer_printf(&text, "%s", activity->phase);
    if (activity->file[0] != '\0')
        (void)text_buffer_printf(&text, " %s", activity->file);
    if (activity->of > 0)
        (void)text_buffer_printf(&text, " (%" PRId64 " of %" PRId64 ")", activity->number,
                                 activity->of);
    if (activity->statements > 0)
        (void)text_buffer_printf(&text, ", statement %" PRId64 " of %" PRId64, activity->statement,
                                 activity->statements);
    if (activity->elapsed_ms > 0)
        (void)text_buffer_printf(&text, ", for %s", duration);
    (void)snprintf(out, size, "%s", text.data != NULL ? text.data : "");
    text_buffer_free(&text);
}
