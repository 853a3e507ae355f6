/* Manifests of backups: what is written is read again; rubbish is told from a manifest. */
#include "support.h"

#include <cjson/cJSON.h>

#include "backup/manifest.h"

#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define REST                                                                                       \
    "\"source\":\"/a\",\"reason\":\"r\",\"created\":\"2026-01-20T09:40:00.000Z\","                 \
    "\"schema_hash\":\"" SUM "\""
#define WHOLE "{\"liteinit\":1,\"size\":5,\"sha256\":\"" SUM "\",\"verdict\":\"verified\"," REST

static char text_source[] = "/data/it's \"odd\"\\ \xC3\xA4.db";
static char text_reason[] = "migration";
static char text_version[] = "1.2.3";
static char text_stamp[] = "1:2:3.000:4.000:5";
static char name_a[] = "a";
static char name_odd[] = "od\"d\n\xE2\x82\xAC";

static void comes_back_as_written(void **state)
{
    (void)state;
    struct error err;
    struct stat st;
    struct store_table tables[] = {{.name = name_a, .rows = INT64_C(9000000000000)},
                                   {.name = name_odd, .rows = 0},
                                   {.name = text_version, .rows = -1}};
    struct backup_manifest manifest = {
        .source = text_source,
        .reason = text_reason,
        .created = "2026-01-20T09:40:00.123Z",
        .size = INT64_C(4503599627370496),
        .page_size = 65536,
        .page_count = INT64_C(4294967294),
        .sha256 = SUM,
        .schema_version = INT64_C(20260120094000),
        .app_version = text_version,
        .stamp = text_stamp,
        .verified = true,
        .schema = {.hash = SUM, .tables = tables, .count = COUNT_OF(tables)},
    };
    const char *path = scratch_path("b.db.json");
    assert_ok(backup_manifest_write(path, &manifest, 0640, NULL, &err), &err);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);

    struct backup_manifest back;
    assert_ok(backup_manifest_read(path, &back, &err), &err);
    assert_string_equal(back.source, text_source);
    assert_string_equal(back.reason, "migration");
    assert_string_equal(back.created, manifest.created);
    assert_int_equal(back.size, manifest.size);
    assert_int_equal(back.page_size, 65536);
    assert_int_equal(back.page_count, manifest.page_count);
    assert_string_equal(back.sha256, SUM);
    assert_int_equal(back.schema_version, manifest.schema_version);
    assert_string_equal(back.app_version, "1.2.3");
    assert_string_equal(back.stamp, text_stamp);
    assert_true(back.verified);
    assert_string_equal(back.schema.hash, SUM);
    assert_int_equal(back.schema.count, 3);
    for (size_t i = 0; i < back.schema.count; i++) {
        assert_string_equal(back.schema.tables[i].name, tables[i].name);
        assert_int_equal(back.schema.tables[i].rows, tables[i].rows);
    }
    backup_manifest_free(&back);
    assert_null(back.source);
    backup_manifest_free(&back);

    manifest.app_version = NULL;
    manifest.stamp = NULL;
    manifest.verified = false;
    manifest.schema.count = 0;
    assert_ok(backup_manifest_write(path, &manifest, 0600, NULL, &err), &err);
    assert_ok(backup_manifest_read(path, &back, &err), &err);
    assert_null(back.app_version);
    assert_null(back.stamp);
    assert_false(back.verified);
    assert_int_equal(back.schema.count, 0);
    backup_manifest_free(&back);
}

static void assert_no_manifest(const char *text, size_t size, const char *msg)
{
    struct error err;
    struct backup_manifest manifest;
    memset(&manifest, 0x5A, sizeof manifest);
    struct backup_manifest untouched = manifest;
    assert_fails(backup_manifest_read(put_file("m.json", text, size), &manifest, &err), &err,
                 ERROR_DATA, msg);
    assert_memory_equal(&manifest, &untouched, sizeof manifest);
}

static void rubbish_is_no_manifest(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "nonsense",
        "null",
        "[]",
        "7",
        "\"text\"",
        "{}",
        "{\"liteinit\":1}",
        "{\"liteinit\":2,\"size\":5,\"sha256\":\"" SUM "\",\"verdict\":\"verified\"," REST "}",
        "{\"liteinit\":\"1\",\"size\":5,\"sha256\":\"" SUM "\",\"verdict\":\"verified\"," REST "}",
        "{\"liteinit\":1,\"size\":-1,\"sha256\":\"" SUM "\",\"verdict\":\"verified\"," REST "}",
        "{\"liteinit\":1,\"size\":1e300,\"sha256\":\"" SUM "\",\"verdict\":\"verified\"," REST "}",
        "{\"liteinit\":1,\"size\":\"5\",\"sha256\":\"" SUM "\",\"verdict\":\"verified\"," REST "}",
        "{\"liteinit\":1,\"size\":5,\"sha256\":\"short\",\"verdict\":\"verified\"," REST "}",
        "{\"liteinit\":1,\"size\":5,\"sha256\":7,\"verdict\":\"verified\"," REST "}",
        "{\"liteinit\":1,\"size\":5,\"sha256\":\"" SUM "\",\"verdict\":true," REST "}",
        "{\"liteinit\":1,\"size\":5,\"sha256\":\"" SUM "0\",\"verdict\":\"verified\"," REST "}"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_no_manifest(texts[i], strlen(texts[i]), "m.json is not ");
    assert_no_manifest("\0\0\0\0", 4, "m.json is not ");
    assert_no_manifest("\xFF\xFE{", 3, "m.json is not ");
}

/* Each key that is needed, left out in turn. */
static void missing_keys_are_noticed(void **state)
{
    (void)state;
    static const char *const needed[] = {"liteinit", "size",    "sha256",      "verdict",
                                         "source",   "created", "schema_hash", "reason"};
    struct error err;
    struct backup_manifest manifest;
    assert_ok(backup_manifest_read(put_text("m.json", WHOLE "}"), &manifest, &err), &err);
    assert_int_equal(manifest.page_size, -1);
    assert_int_equal(manifest.schema.count, 0);
    backup_manifest_free(&manifest);
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        cJSON *root = cJSON_Parse(WHOLE "}");
        assert_non_null(root);
        cJSON_DeleteItemFromObjectCaseSensitive(root, needed[i]);
        char *text = cJSON_Print(root);
        cJSON_Delete(root);
        assert_non_null(text);
        assert_no_manifest(text, strlen(text), "is not a manifest of a backup");
        cJSON_free(text);
    }
}

static void odd_values_do_no_harm(void **state)
{
    (void)state;
    struct error err;
    struct backup_manifest manifest;
    static const char *const tails[] = {
        ",\"rows\":{\"a\":1e300,\"b\":-1e300,\"c\":\"text\",\"d\":null,\"e\":{},\"\":1,\"a\":2}}",
        ",\"rows\":7}",
        ",\"rows\":\"text\"}",
        ",\"rows\":null}",
        ",\"rows\":[1,2,3]}",
        ",\"page_size\":1e300,\"page_count\":-5,\"schema_version\":\"x\"}",
        ",\"app_version\":7,\"source_stamp\":[]}",
        ",\"schema_hash\":7,\"sha256\":9}",
        ",\"unknown\":{\"a\":[[[[]]]]}}",
    };
    for (size_t i = 0; i < COUNT_OF(tails); i++) {
        char text[1024];
        (void)snprintf(text, sizeof text, "%s%s", WHOLE, tails[i]);
        assert_ok(backup_manifest_read(put_text("m.json", text), &manifest, &err), &err);
        for (size_t t = 0; t < manifest.schema.count; t++)
            assert_in_range(manifest.schema.tables[t].rows + 1, 0, 4);
        assert_true(manifest.page_size == -1);
        backup_manifest_free(&manifest);
    }
    /* Texts longer than their place. */
    char text[4096];
    int n = snprintf(text, sizeof text,
                     "{\"liteinit\":1,\"size\":5,\"sha256\":\"" SUM "\",\"verdict\":\"verified\","
                     "\"source\":\"/a\",\"reason\":\"r\",\"created\":\"%01000d\","
                     "\"schema_hash\":\"%01000d\"}",
                     1, 1);
    assert_true(n > 0);
    assert_ok(backup_manifest_read(put_text("m.json", text), &manifest, &err), &err);
    assert_int_equal(strlen(manifest.created), sizeof manifest.created - 1);
    backup_manifest_free(&manifest);
}

static void huge_and_deep_files_are_refused(void **state)
{
    (void)state;
    size_t size = ((size_t)4 << 20) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size);
    memcpy(text, WHOLE "}", strlen(WHOLE "}"));
    assert_no_manifest(text, size, "is larger than");
    memset(text, '[', size);
    assert_no_manifest(text, 1000000, "is not valid JSON");
    free(text);
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    static const char whole[] = WHOLE ",\"rows\":{\"a\":1}}";
    for (size_t size = 0; size + 1 < sizeof whole; size++)
        assert_no_manifest(whole, size, "is not valid JSON");
}

static void absent_or_unwritable(void **state)
{
    (void)state;
    struct error err;
    struct backup_manifest manifest = {.source = text_source, .reason = text_reason};
    struct backup_manifest back;
    assert_fails(backup_manifest_read(scratch_path("none.json"), &back, &err), &err,
                 ERROR_NOT_FOUND, "none.json");
    assert_fails(backup_manifest_write(scratch_path("no/m.json"), &manifest, 0600, NULL, &err),
                 &err, ERROR_NOT_FOUND, "no/m.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back_as_written, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(rubbish_is_no_manifest, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(missing_keys_are_noticed, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(odd_values_do_no_harm, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(huge_and_deep_files_are_refused, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(every_cut_is_noticed, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(absent_or_unwritable, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
