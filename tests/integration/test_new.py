"""liteinit new: the next files of a folder, in the layout that it has."""

import re

import pytest

from dbkit import must, tool


def new(box, *words):
    return tool(box, "new", *words)


def names(box):
    folder = box.migrations
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_number_is_one_more_and_as_wide(liteinit):
    liteinit.migration("0007_a", "CREATE TABLE a (x);")
    made = must(new(liteinit, "add prices")).out.split()
    assert names(liteinit) == ["0007_a.sql", "0008_add_prices.sql", "0008_add_prices_down.sql"]
    assert [path.rsplit("/", 1)[1] for path in made] == names(liteinit)[1:]
    must(tool(liteinit, "up"))
    assert liteinit.applied() == [7, 8]


def test_dates_are_followed_by_the_present_time(liteinit):
    liteinit.migration("20240101120000_a", "CREATE TABLE a (x);")
    must(new(liteinit, "b"))
    assert re.fullmatch(r"20\d{12}_b\.sql", names(liteinit)[1])


@pytest.mark.parametrize("layout, made", [
    ("liteinit", ["001_x.sql", "001_x_down.sql"]),
    ("golang-migrate", ["001_x.down.sql", "001_x.up.sql"]),
    ("sqlx", ["001_x.down.sql", "001_x.up.sql"]),
    ("goose", ["001_x.sql"]),
    ("flyway", ["U001__x.sql", "V001__x.sql"]),
    ("refinery", ["V001__x.sql"]),
])
def test_the_layout_decides_the_names_and_reads_them_again(liteinit, layout, made):
    must(new(liteinit, "x", "--layout", layout))
    assert names(liteinit) == made
    must(tool(liteinit, "validate", "--layout", layout))


def test_what_another_tool_makes_is_left_to_it(liteinit):
    answer = new(liteinit, "x", "--layout", "prisma")
    assert answer.status == 78
    assert "a migration of prisma is made by its own tool" in answer.err
    assert names(liteinit) == []


@pytest.mark.parametrize("name", ["", "a/b", "..", "über", "x" * 300])
def test_a_name_that_is_none(liteinit, name):
    assert new(liteinit, name).status == 64
    assert names(liteinit) == []
