/* Copying a database's file and summing it, whatever the system calls underneath do: clones that
 * are none, copies inside the kernel that fall short or give up, short reads and writes, a full
 * disk. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "backup/copy.h"
#include "store/interrupt.h"

#define SIZE (((size_t)3 << 20) + 123)

static struct {
    bool clone_lies;   /* says yes and does nothing; else it says no */
    size_t kernel_all; /* bytes that copy_file_range(2) copies before it ends as follows */
    int kernel_error;  /* errno, or 0: it answers 0 */
    size_t most;       /* a read, write or copy takes at most this many bytes; 0: all */
    int interrupted;   /* that many calls fail with EINTR first */
    int write_error;
    int read_error;
} seam;

static int fail_with(int sys)
{
    errno = sys;
    return -1;
}

static bool is_interrupted(size_t *size)
{
    if (seam.most > 0 && *size > seam.most)
        *size = seam.most;
    if (seam.interrupted == 0)
        return false;
    seam.interrupted--;
    return true;
}

int ioctl(int fd, unsigned long request, ...)
{
    (void)fd;
    (void)request;
    return seam.clone_lies ? 0 : fail_with(EOPNOTSUPP);
}

ssize_t copy_file_range(int from, off_t *in, int to, off_t *out, size_t size, unsigned flags)
{
    if (is_interrupted(&size))
        return fail_with(EINTR);
    if (seam.kernel_all == 0)
        return seam.kernel_error != 0 ? fail_with(seam.kernel_error) : 0;
    if (size > seam.kernel_all)
        size = seam.kernel_all;
    seam.kernel_all -= size;
    return syscall(SYS_copy_file_range, from, in, to, out, size, flags);
}

ssize_t pread(int fd, void *data, size_t size, off_t at)
{
    if (is_interrupted(&size))
        return fail_with(EINTR);
    if (seam.read_error != 0)
        return fail_with(seam.read_error);
    return syscall(SYS_pread64, fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    if (is_interrupted(&size))
        return fail_with(EINTR);
    if (seam.write_error != 0)
        return fail_with(seam.write_error);
    return syscall(SYS_pwrite64, fd, data, size, at);
}

static unsigned char *content;
static int from = -1;
static int to = -1;

static int setup(void **state)
{
    uint32_t seed = 7;
    if (scratch_begin(state) != 0)
        return -1;
    memset(&seam, 0, sizeof seam);
    seam.kernel_error = EXDEV;
    content = malloc(SIZE);
    if (content == NULL)
        return -1;
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * 1664525u + 1013904223u;
        content[i] = (unsigned char)(seed >> 24);
    }
    from = open(put_file("from", content, SIZE), O_RDWR | O_CLOEXEC);
    to = open(scratch_path("to"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return from >= 0 && to >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)close(from);
    (void)close(to);
    free(content);
    return scratch_end(state);
}

static void copy_ok(void)
{
    struct error err;
    bool cloned = true;
    int64_t bytes = -1;
    size_t size = 0;
    assert_ok(backup_copy_file(from, to, &cloned, &bytes, &err), &err);
    assert_false(cloned);
    assert_int_equal(bytes, SIZE);
    char *copy = get_file(scratch_path("to"), &size);
    assert_int_equal(size, SIZE);
    assert_memory_equal(copy, content, SIZE);
    free(copy);
    assert_int_equal(ftruncate(to, 0), 0);
}

static void kernel_copies_in_pieces(void **state)
{
    (void)state;
    seam.kernel_all = SIZE_MAX;
    copy_ok();
    seam.kernel_all = SIZE_MAX;
    seam.most = 100001;
    seam.interrupted = 3;
    copy_ok();
    seam.kernel_all = SIZE_MAX;
    seam.clone_lies = true;
    copy_ok();
}

static void kernel_that_gives_up_is_gone_around(void **state)
{
    (void)state;
    static const int errors[] = {EXDEV, ENOSYS, EINVAL, EOPNOTSUPP, EPERM, 0};
    static const size_t done[] = {0, 1, 1 << 20, SIZE - 1};
    for (size_t i = 0; i < COUNT_OF(errors); i++)
        for (size_t j = 0; j < COUNT_OF(done); j++) {
            seam.kernel_error = errors[i];
            seam.kernel_all = done[j];
            copy_ok();
        }
}

static void short_reads_and_writes_go_on(void **state)
{
    (void)state;
    seam.most = 9973;
    seam.interrupted = 5;
    copy_ok();
    assert_int_equal(seam.interrupted, 0);
}

static void full_disk_is_said(void **state)
{
    (void)state;
    static const int errors[] = {ENOSPC, EDQUOT, EIO};
    for (size_t i = 0; i < COUNT_OF(errors); i++)
        for (int kernel = 0; kernel < 2; kernel++) {
            struct error err;
            bool cloned = true;
            int64_t bytes = -7;
            seam.kernel_all = kernel != 0 ? 1 << 20 : 0;
            seam.kernel_error = kernel != 0 ? errors[i] : EXDEV;
            seam.write_error = errors[i];
            assert_fails(backup_copy_file(from, to, &cloned, &bytes, &err), &err, ERROR_BACKUP,
                         "cannot write the backup: ");
            assert_int_equal(err.sys, errors[i]);
            assert_int_equal(err.hint[0] != '\0', errors[i] != EIO);
        }
    struct error err;
    bool cloned = true;
    int64_t bytes = -7;
    seam.kernel_all = 0;
    seam.kernel_error = EXDEV;
    seam.read_error = EIO;
    assert_fails(backup_copy_file(from, to, &cloned, &bytes, &err), &err, ERROR_BACKUP,
                 "cannot read the database");
}

static void sum_is_of_all_bytes(void **state)
{
    (void)state;
    struct hash hash;
    struct error err;
    char wanted[HASH_HEX_SIZE];
    char sum[HASH_HEX_SIZE] = "";
    hash_start(&hash);
    hash_add(&hash, content, SIZE);
    hash_finish(&hash, wanted);
    assert_ok(backup_hash_file(from, sum, &err), &err);
    assert_string_equal(sum, wanted);
    seam.most = 4099;
    seam.interrupted = 4;
    assert_ok(backup_hash_file(from, sum, &err), &err);
    assert_string_equal(sum, wanted);
    assert_ok(backup_hash_file(to, sum, &err), &err);
    assert_string_equal(sum, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    seam.read_error = EIO;
    assert_fails(backup_hash_file(from, sum, &err), &err, ERROR_BACKUP, "cannot read the backup");
}

static int hash_beside(int source, char sum[HASH_HEX_SIZE], struct error *err)
{
    struct backup_hash_job job;
    backup_hash_start(&job, to, source);
    return backup_hash_finish(&job, sum, err);
}

static void every_flipped_byte_is_found(void **state)
{
    (void)state;
    static const size_t places[] = {0, 24, 1 << 20, 2 << 20, SIZE - 1};
    struct error err;
    char wanted[HASH_HEX_SIZE];
    char sum[HASH_HEX_SIZE] = "";
    assert_ok(backup_hash_file(from, wanted, &err), &err);
    assert_int_equal(pwrite(to, content, SIZE, 0), SIZE);
    assert_ok(hash_beside(from, sum, &err), &err);
    assert_string_equal(sum, wanted);
    assert_ok(hash_beside(-1, sum, &err), &err);
    assert_string_equal(sum, wanted);
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        unsigned char flipped = content[places[i]] ^ 1;
        assert_int_equal(pwrite(to, &flipped, 1, (off_t)places[i]), 1);
        assert_fails(hash_beside(from, sum, &err), &err, ERROR_BACKUP, "differs");
        assert_int_equal(pwrite(to, &content[places[i]], 1, (off_t)places[i]), 1);
    }
    /* Short reads are no difference. */
    seam.most = 5003;
    assert_ok(hash_beside(from, sum, &err), &err);
    assert_string_equal(sum, wanted);
}

static int copies_after_a_stop(void *context)
{
    struct error err = {.kind = ERROR_NONE};
    char sum[HASH_HEX_SIZE];
    bool cloned = false;
    int64_t bytes = 0;
    (void)context;
    store_interrupt_setup();
    if (raise(SIGTERM) != 0)
        return 1;
    if (backup_copy_file(from, to, &cloned, &bytes, &err) == 0 || err.kind != ERROR_INTERRUPTED)
        return 2;
    err.kind = ERROR_NONE;
    return backup_hash_file(from, sum, &err) != 0 && err.kind == ERROR_INTERRUPTED ? 42 : 3;
}

static void stop_ends_the_work(void **state)
{
    (void)state;
    assert_int_equal(status_of_child(copies_after_a_stop, NULL, false), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kernel_copies_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(kernel_that_gives_up_is_gone_around, setup, teardown),
        cmocka_unit_test_setup_teardown(short_reads_and_writes_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(full_disk_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(sum_is_of_all_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(every_flipped_byte_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(stop_ends_the_work, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
