from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.cli.layout import paths_of


def path(id_: str, kind: str = "Device") -> str:
    return str(paths_of([(kind, id_)])[0])


def test_a_document_lies_under_its_kind_and_id() -> None:
    assert path("web1.example.org") == "Device/web1.example.org.yaml"
    assert path("Web servers", "Group") == "Group/Web servers.yaml"
    assert path("fe80::1") == "Device/fe80%3A%3A1.yaml"


def test_an_id_that_is_a_path_becomes_folders() -> None:
    assert path("/", "DeviceClass") == "DeviceClass/%2F.yaml"
    assert path("/Server/Linux", "DeviceClass") == "DeviceClass/Server/Linux.yaml"
    assert path("/a.yaml/b", "DeviceClass") == "DeviceClass/a%2Eyaml/b.yaml"


def test_no_id_leads_elsewhere() -> None:
    assert path("..") == "Device/%2E..yaml"
    assert path("../../etc/passwd") == "Device/%2E.%2F..%2Fetc%2Fpasswd.yaml"
    assert path("/../x") == "Device/%2E./x.yaml"
    assert path("a\x00\n") == "Device/a%00%0A.yaml"


def test_upper_and_lower_case_are_not_all_the_difference() -> None:
    assert [str(one) for one in paths_of([("D", "web"), ("D", "WEB"), ("D", "Web")])] == [
        "D/web.yaml",
        "D/WEB~2.yaml",
        "D/Web~3.yaml",
    ]


ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300) | st.text("aA/.~% 2", min_size=1)


@given(st.lists(st.tuples(st.sampled_from(["A", "a", ".."]), ids), unique=True))
def test_any_ids_have_paths_of_their_own_that_can_be_written(keys: list[tuple[str, str]]) -> None:
    paths = paths_of(keys)
    names = {str(one).casefold() for one in paths}
    assert len(names) == len(keys)
    for one in paths:
        assert not one.is_absolute()
        assert not {"..", "."} & set(one.parts)
        assert all(len(part.encode()) <= 255 for part in one.parts)
        assert not any(str(above).casefold() in names for above in one.parents)
