"""An office's settings are read as they are meant, or refused with what is wrong."""

from pathlib import Path

import pytest

from api.settings import BadSettings, Settings, read_settings


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('demo = "yes"', "demo"),
        ("database = 5", "database"),
        ("timestamps = 3", "timestamps"),
        ('[timestamps]\nurls = "https://tsa.example"', "urls"),
        ("[timestamps]\nurls = [1]", "urls"),
        ("[revocation]\nhosts = {a = 1}", "hosts"),
        ("[keys]\nmodules = true", "modules"),
        ('[web]\nhttps = "no"', "https"),
        ("verification = []", "verification"),
        ("demo = [", "soky.toml"),
        ("sample = 3", "sample"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(text: str, named: str, tmp_path: Path) -> None:
    """One text where a list belongs would be read letter by letter, and "no" as yes."""
    (tmp_path / "soky.toml").write_text(text)

    with pytest.raises(BadSettings, match=named):
        read_settings(tmp_path)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    """As `soky serve --demo` writes it."""
    written = Settings(
        folder=tmp_path / "office", demo=True, timestamp_urls=("https://tsa.example",), revocation_hosts=("a", "b"), sample=1
    )
    written.write()

    assert read_settings(tmp_path / "office") == written
    assert (tmp_path / "office").stat().st_mode & 0o077 == 0  # marks and keys: nobody else of this machine reads them
