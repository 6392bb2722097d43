"""Files that people write: what is read, and how mistakes are named."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.errors import InputError, Problem
from narration.sheets import MAX_BYTES, in_order, key_text, nearest, read_text, shown
from narration.sheets.table import Columns, read_table
from narration.sheets.yaml import read_yaml, read_yaml_file

COLUMNS = Columns(root="characters", names=("name", "voice", "preview", "aliases"), required=("name", "voice"))


def problems_of_yaml(text: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        read_yaml(text, "book.yaml")
    return caught.value.problems


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def rows(content: bytes) -> list[object]:
    sheet = read_table(content, "cast.csv", COLUMNS)
    assert not sheet.problems
    found = sheet.data["characters"]
    assert isinstance(found, list)
    return found


class TestYaml:
    def test_scalars_stay_as_they_are_written(self) -> None:
        text = "title: 1984\nother: No\nthird: 007\nwhen: 2001-01-01\nlist: [1, yes]\n"
        assert read_yaml(text, "b").data == {
            "title": "1984",
            "other": "No",
            "third": "007",
            "when": "2001-01-01",
            "list": ["1", "yes"],
        }

    def test_every_key_and_item_knows_its_line(self) -> None:
        sheet = read_yaml(
            "# note\ncharacters:\n  - name: A\n    voice: >\n      long\n      text\n  - name: B\n", "c.yaml"
        )
        assert sheet.lines[("characters", 1, "name")] == 7
        assert sheet.where(("characters", 0, "voice")) == "c.yaml, line 4, characters[0].voice"

    def test_a_key_that_is_not_there_is_placed_at_the_block_that_should_have_it(self) -> None:
        sheet = read_yaml("characters:\n  - name: A\n", "c.yaml")
        assert sheet.where(("characters", 0, "voice")) == "c.yaml, line 2, characters[0].voice"

    def test_an_empty_value_is_left_out_and_keeps_its_line(self) -> None:
        sheet = read_yaml("title:\nauthor: ~\n", "b")
        assert sheet.data == {}
        assert sheet.lines == {("title",): 1, ("author",): 2}

    def test_a_key_that_stands_twice_names_both_lines_and_the_first_counts(self) -> None:
        sheet = read_yaml("title: a\nauthor: b\ntitle: c\n", "book.yaml")
        assert sheet.data["title"] == "a"
        problem = only(sheet.problems)
        assert problem.where == "book.yaml, line 3, title"
        assert "line 1" in problem.what

    def test_a_tab_is_named_with_its_line(self) -> None:
        problem = only(problems_of_yaml("audio:\n\tlevel_dbfs: -20\n"))
        assert (problem.where, problem.expected) == ("book.yaml, line 2", "spaces")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("title: a: b\n", "quotes"),
            ("title: [a\n", "not valid YAML"),
            ("title: 'a\n", "not valid YAML"),
            ("a: 1\n---\nb: 2\n", "one document"),
            ("a: \x07\n", "control character"),
            ("[" * 5_000, "nested"),
        ],
    )
    def test_broken_yaml_is_one_problem_with_advice(self, text: str, words: str) -> None:
        assert words in str(only(problems_of_yaml(text)))

    def test_broken_yaml_names_the_line(self) -> None:
        assert only(problems_of_yaml("title: x\nauthor: a: b\n")).where == "book.yaml, line 2"

    @pytest.mark.parametrize(("text", "found"), [("- a\n- b\n", "a list"), ("just words\n", "one piece of text")])
    def test_a_wrong_root_is_named(self, text: str, found: str) -> None:
        problem = only(problems_of_yaml(text))
        assert found in problem.what
        assert problem.expected == "keys and values"

    def test_a_full_width_colon_is_pointed_at(self) -> None:
        assert "Line 1 has a full-width colon" in only(problems_of_yaml("title：书\n")).hint

    def test_a_file_of_comments_holds_nothing(self) -> None:
        assert "comments" in only(problems_of_yaml("# title: x\n")).what

    def test_a_key_that_is_a_list_is_told_with_its_line_and_the_others_are_read(self) -> None:
        sheet = read_yaml("title: x\n? [a, b]\n: value\nauthor: y\n", "book.yaml")
        problem = only(sheet.problems)
        assert (problem.what, problem.expected) == ("the key is a list", "a name")
        assert "line 2" in problem.where
        assert sheet.data == {"title": "x", "author": "y"}

    def test_a_tag_that_would_run_code_is_refused(self) -> None:
        sheet = read_yaml("a: !!python/object/apply:os.system [echo]\nb: !!python/name:os.system x\n", "b")
        assert sheet.data == {}
        assert len(sheet.problems) == 2

    def test_an_alias_of_a_block_is_refused_and_does_not_grow(self) -> None:
        bomb = "a: &a [x, x]\n" + "".join(
            f"b{i}: &b{i} [{'*a, ' if i == 0 else f'*b{i - 1}, ' * 9}]\n" for i in range(30)
        )
        sheet = read_yaml(bomb, "b")
        assert sheet.problems
        assert all("alias" in problem.what for problem in sheet.problems)

    def test_an_alias_of_itself_ends(self) -> None:
        assert read_yaml("a: &a [*a]\n", "b").problems

    @settings(deadline=None)
    @given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(min_size=1), min_size=1))
    def test_what_is_written_in_quotes_is_read_back(self, data: dict[str, str]) -> None:
        text = "".join(f'{key}: "{_escaped(value)}"\n' for key, value in data.items())
        assert read_yaml(text, "b").data == data


def _escaped(value: str) -> str:
    return "".join(f"\\U{ord(char):08X}" for char in value)


class TestFiles:
    def test_a_missing_file_names_its_neighbour(self, tmp_path: Path) -> None:
        (tmp_path / "cast.yaml").write_text("a: 1")
        with pytest.raises(InputError, match=r"Did you mean `cast\.yaml`"):
            read_yaml_file(tmp_path / "cast.yml")

    def test_a_folder_in_place_of_a_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="is a folder"):
            read_yaml_file(tmp_path)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "is empty"),
            (b" \n \n", "is empty"),
            (b"PK\x03\x04 more", "workbook"),
            (b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
            (b"title: caf\xe9\n", "UTF-8"),
            (b"\xff\xfea", "byte-order mark"),
            (b"x" * (MAX_BYTES + 1), "bytes"),
        ],
    )
    def test_a_file_that_is_no_sheet_is_refused(self, tmp_path: Path, content: bytes, words: str) -> None:
        path = tmp_path / "book.yaml"
        path.write_bytes(content)
        with pytest.raises(InputError, match=words):
            read_yaml_file(path)

    def test_a_wrong_encoding_names_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "book.yaml"
        path.write_bytes(b"title: x\nauthor: Andr\xe9\n")
        with pytest.raises(InputError, match="line 2"):
            read_yaml_file(path)

    def test_a_pipe_is_refused_instead_of_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "book.yaml")
        with pytest.raises(InputError, match="not a regular file"):
            read_yaml_file(tmp_path / "book.yaml")

    def test_a_name_that_no_file_can_have_is_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such file"):
            read_yaml_file(tmp_path / ("x" * 5000))

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_byte_order_marks_and_line_ends_leave_no_trace(self, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "book.yaml"
        path.write_bytes("title: 书\r\nauthor: é\r".encode(encoding))
        assert read_text(path, "book.yaml") == "title: 书\nauthor: é\n"


class TestTable:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_every_spelling_of_a_spreadsheet_reads_alike(self, delimiter: str, encoding: str, end: str) -> None:
        text = end.join(["Name;Voice", "Old Wen;低沉", 'Mara;"young, ""clear""; low|\tsoft"', ""])
        quoted = text.replace(";", "\0", 1).replace("Old Wen;", "Old Wen\0").replace("Mara;", "Mara\0")
        content = quoted.replace("\0", delimiter).encode(encoding)
        assert rows(content) == [
            {"name": "Old Wen", "voice": "低沉"},
            {"name": "Mara", "voice": 'young, "clear"; low|\tsoft'},
        ]

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [("José,a voice of the “señor”", "cp1252"), ("阿Q,老人，低沉沙哑的声音", "gb18030"), ("王鎔,年轻", "gbk")],
    )
    def test_the_code_pages_of_older_spreadsheets_are_told_apart(self, text: str, encoding: str) -> None:
        name, voice = text.split(",")
        assert rows(f"name,voice\n{text}\n".encode(encoding)) == [{"name": name, "voice": voice}]

    def test_the_separator_line_of_a_spreadsheet_is_obeyed(self) -> None:
        assert rows(b"sep=;\r\nname;voice\r\nA;b, c\r\n") == [{"name": "A", "voice": "b, c"}]

    def test_blank_rows_and_empty_columns_are_nothing(self) -> None:
        assert rows(b"\n;;\nname;voice;\n;;\nA;b;\n;;\n") == [{"name": "A", "voice": "b"}]

    def test_lines_are_counted_through_cells_of_several_lines(self) -> None:
        sheet = read_table(b'\nname,voice\nA,"b\nc"\n\nD,e\n', "cast.csv", COLUMNS)
        assert sheet.where(("characters", 0, "voice")) == "cast.csv, line 3, column voice"
        assert sheet.where(("characters", 1, "voice")) == "cast.csv, line 6, column voice"

    def test_every_mistake_of_the_header_is_reported(self) -> None:
        sheet = read_table(b"name,Vioce,name,preview\nA,b,c,d\n", "cast.csv", COLUMNS)
        texts = [str(problem) for problem in sheet.problems]
        assert [("unknown" in t, "twice" in t, "missing" in t) for t in texts] == [
            (True, False, False),
            (False, True, False),
            (False, False, True),
        ]
        assert "Did you mean `voice`?" in texts[0]

    def test_a_filled_cell_beside_the_header_is_reported(self) -> None:
        problem = only(read_table(b"name,voice\nA,low, soft\n", "cast.csv", COLUMNS).problems)
        assert problem.where == "cast.csv, line 2"
        assert "quotation marks" in problem.hint

    @pytest.mark.parametrize("content", [b"Mara,low\n", b'name,voice\nA,"b\nC,d\n', b'name,voice\nA,"b" c\n'])
    def test_a_table_that_cannot_be_read_is_refused_with_its_line(self, content: bytes) -> None:
        with pytest.raises(InputError, match=r"cast.csv, line \d"):
            read_table(content, "cast.csv", COLUMNS)


class TestProblems:
    @pytest.mark.parametrize(("name", "hint"), [("voic", "`voice`"), ("Voice", "`voice`"), ("alias", "`aliases`")])
    def test_the_nearest_name_is_offered(self, name: str, hint: str) -> None:
        assert hint in nearest(name, ("name", "voice", "aliases"))

    def test_nothing_near_is_no_hint(self) -> None:
        assert nearest("zzz", ("name", "voice")) == ""

    def test_problems_come_in_the_order_of_lines(self) -> None:
        places = ["b.yaml, line 10, x", "b.yaml", "b.yaml, line 9, y"]
        found = in_order([Problem(what="w", where=where) for where in places])
        assert [problem.where for problem in found] == ["b.yaml", "b.yaml, line 9, y", "b.yaml, line 10, x"]

    def test_a_value_is_shown_short_and_on_one_line(self) -> None:
        assert shown("a\n b") == "“a b”"
        assert len(shown("x" * 500)) < 70

    def test_a_path_reads_as_one_writes_it(self) -> None:
        assert key_text(("characters", 2, "aliases", 0)) == "characters[2].aliases[0]"

    def test_an_input_error_travels_between_processes_with_every_problem(self) -> None:
        error = InputError(Problem(what="a", where="b", expected="c", hint="d"), Problem(what="e"))
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - made on the line above
        assert copy.problems == error.problems
        assert str(copy) == str(error)
        assert copy.exit_code == 2
