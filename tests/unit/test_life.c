/* The record of each life: what is written is read again, and rubbish is no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervise/life.h"

static char dir[64];
static char path[96];

static int make_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/liteinit-life-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/app.db.liteinit.state", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir); /* fails when anything else was left in it */
}

static void put(const void *data, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static enum life_state state_of(const char *text)
{
    struct life life;
    put(text, strlen(text));
    life_read(path, &life);
    return life.state;
}

static void comes_back_as_written(void **state)
{
    (void)state;
    struct error err;
    struct life life = {.state = LIFE_RUNNING, .pid = 1, .exit_code = -1};
    (void)snprintf(life.started, sizeof life.started, "2026-01-20T09:40:00.123Z");
    (void)snprintf(life.app_version, sizeof life.app_version, "1.2.3-\"rc\\1");
    assert_int_equal(life_write(path, &life, &err), 0);

    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);

    struct life back;
    life_read(path, &back);
    assert_int_equal(back.state, LIFE_RUNNING);
    assert_int_equal(back.pid, 1);
    assert_int_equal(back.exit_code, -1);
    assert_string_equal(back.started, life.started);
    assert_string_equal(back.ended, "");
    assert_string_equal(back.app_version, "1.2.3-rc1");

    life.state = LIFE_ENDED;
    life.exit_code = 137;
    life.signal = 9;
    life.killed = true;
    life.wal = LIFE_WAL_FOLDED;
    (void)snprintf(life.ended, sizeof life.ended, "2026-01-20T10:00:00.000Z");
    assert_int_equal(life_write(path, &life, &err), 0);
    life_read(path, &back);
    assert_int_equal(back.state, LIFE_ENDED);
    assert_int_equal(back.exit_code, 137);
    assert_int_equal(back.signal, 9);
    assert_true(back.killed);
    assert_int_equal(back.wal, LIFE_WAL_FOLDED);
    assert_string_equal(life_wal_name(back.wal), "folded");
    assert_string_equal(back.ended, life.ended);
}

static void absent_is_no_life(void **state)
{
    (void)state;
    struct life life;
    (void)unlink(path);
    life_read(path, &life);
    assert_int_equal(life.state, LIFE_NONE);
}

static void rubbish_is_told_from_a_record(void **state)
{
    (void)state;
    assert_int_equal(state_of(""), LIFE_UNREADABLE);
    assert_int_equal(state_of("{"), LIFE_UNREADABLE);
    assert_int_equal(state_of("[1,2]"), LIFE_UNREADABLE);
    assert_int_equal(state_of("\"running\""), LIFE_UNREADABLE);
    assert_int_equal(state_of("{\"state\":7}"), LIFE_UNREADABLE);
    assert_int_equal(state_of("{\"state\":\"dancing\"}"), LIFE_UNREADABLE);
    assert_int_equal(state_of("{\"state\":\"running\"}"), LIFE_RUNNING);
    /* Numbers that are none, or too large for one, and texts that are too long. */
    assert_int_equal(state_of("{\"state\":\"ended\",\"pid\":\"x\",\"exit_code\":1e300,"
                              "\"signal\":-4,\"killed\":3,\"wal\":\"gone\",\"started\":"
                              "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"),
                     LIFE_ENDED);
    struct life life;
    life_read(path, &life);
    assert_int_equal(life.exit_code, -1);
    assert_int_equal(life.signal, 0);
    assert_false(life.killed);
    assert_int_equal(life.wal, LIFE_WAL_UNKNOWN);
    assert_int_equal(strlen(life.started), CLOCK_TEXT_SIZE - 1);

    /* What a power cut leaves: the length without the data. */
    static const char zeros[200];
    put(zeros, sizeof zeros);
    life_read(path, &life);
    assert_int_equal(life.state, LIFE_UNREADABLE);
    static char large[8192];
    memset(large, ' ', sizeof large);
    put(large, sizeof large);
    life_read(path, &life);
    assert_int_equal(life.state, LIFE_UNREADABLE);
}

static void failure_leaves_the_old_record(void **state)
{
    (void)state;
    struct error err;
    char nowhere[160];
    struct life life = {.state = LIFE_ENDED};
    (void)snprintf(nowhere, sizeof nowhere, "%s/absent/app.db.liteinit.state", dir);
    assert_int_equal(life_write(nowhere, &life, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);

    /* The temporary name is taken by a folder: the record stays as it was. */
    char temp[160];
    assert_int_equal(life_write(path, &life, &err), 0);
    (void)snprintf(temp, sizeof temp, "%s.tmp", path);
    assert_int_equal(mkdir(temp, 0700), 0);
    life.state = LIFE_RUNNING;
    assert_int_equal(life_write(path, &life, &err), -1);
    assert_int_equal(rmdir(temp), 0);
    life_read(path, &life);
    assert_int_equal(life.state, LIFE_ENDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_written),
        cmocka_unit_test(absent_is_no_life),
        cmocka_unit_test(rubbish_is_told_from_a_record),
        cmocka_unit_test(failure_leaves_the_old_record),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
