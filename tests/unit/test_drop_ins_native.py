# SPDX-License-Identifier: GPL-2.0-or-later
"""Drop-ins (C1) through the daemon and the command: shown by plan, refused with the drop-in's file
and line, and what a command would change in vain is refused. The teams adopt bonds that are not
there, so that no kernel needs bonding.
"""
import json
import os

from test_refusals_native import wait_until, world  # noqa: F401

TEAM = "# mine\n[Team]\nName=team0\nAdopt=yes\n"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def settings(world):
    done = world.iovteam("team", "show", "--json")
    assert done.returncode == 0, done.stderr
    team, = json.loads(done.stdout)["teams"]
    return team["settings"]


def refused(world, *words):
    done = world.iovteam(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("iovteam: ") and done.stderr.count("\n") == 1
    return done.stderr.removeprefix("iovteam: ").rstrip()


def test_drop_ins(world):
    file, drop_in = world.config / "team0.conf", world.config / "team0.conf.d" / "10-count.conf"
    write(file, TEAM)
    write(drop_in, "[Team]\nAnnounceCount=5\n")
    with world.daemon():
        assert settings(world)["AnnounceCount"] == "5"
        # What a drop-in sets is the drop-in's.
        assert refused(world, "team", "set", "team0", "announce-count=7") == (
            "team0.conf.d/10-count.conf would win with AnnounceCount 5 instead of 7; "
            "change it there")
        assert file.read_text() == TEAM and settings(world)["AnnounceCount"] == "5"
        # The rest is the file's, and nothing of the drop-in gets into it.
        done = world.iovteam("team", "set", "team0", "stable-time-ms=2000")
        assert done.returncode == 0, done.stderr
        assert file.read_text().endswith("[Team]\nName=team0\nAdopt=yes\nStableTimeMs=2000\n")
        assert settings(world)["AnnounceCount"] == "5"
        # A hand edit, and one that is wrong: all or nothing.
        write(drop_in, "[Team]\nAnnounceCount=6\n")
        assert world.iovteam("reload").returncode == 0
        assert settings(world)["AnnounceCount"] == "6"
        write(drop_in, "[Team]\nAnnounceCount=6\nColour=red\n")
        assert refused(world, "reload").startswith(f"{drop_in}:3: there is no setting Colour; ")
        assert refused(world, "team", "set", "team0", "stable-time-ms=1000").startswith(f"{drop_in}:3")
        assert settings(world)["AnnounceCount"] == "6"


def test_a_member_of_a_drop_in(world):
    """C1: nothing of a drop-in gets into the file, also of a member that it adds."""
    file, directory = world.config / "team0.conf", world.config / "team0.conf.d"
    text = "[Team]\nName=team0\n[Member]\nDevice=none0\n"
    write(file, text)
    write(directory / "10-more.conf", "[Member]\nDevice=none1\nWeight=20\n")
    write(directory / "20-last.conf", "[Member]\nDevice=none2\n")
    with world.daemon():
        for device, name in (("none1", "10-more"), ("none2", "20-last")):
            for setting in ("weight=30", "role=standby"):
                assert refused(world, "member", "set", "team0", device, setting) == (
                    f"team0.conf.d/{name}.conf adds [Member] {device}; change it there")
        assert file.read_text() == text


def test_taken_back(world):
    """C5: a command's file and a reload's files; drop-ins are kept, and nothing of them is lost."""
    directory = world.config / "team0.conf.d"
    file, first, second = (world.config / "team0.conf", directory / "10-count.conf",
                           directory / "20-new.conf")
    write(file, TEAM)
    write(first, "[Team]\nAnnounceCount=5\n")
    with world.daemon():
        done = world.iovteam("team", "set", "team0", "stable-time-ms=2000", "--confirm", "60")
        assert done.returncode == 0, done.stderr
        assert world.iovteam("cancel").returncode == 0
        assert file.read_text() == TEAM and first.exists()
        # Edited by hand where the file can make up for it: the drop-in stays.
        write(file, TEAM + "StableTimeMs=3000\n")
        assert world.iovteam("reload", "--confirm", "60").returncode == 0
        assert settings(world)["StableTimeMs"] == "3000"
        assert world.iovteam("cancel").returncode == 0
        assert first.exists() and settings(world)["StableTimeMs"] == "1000"
        assert "AnnounceCount" not in file.read_text()
        # So it does where the file tells of another team now.
        write(file, TEAM.replace("team0", "team1"))
        assert world.iovteam("reload", "--confirm", "60").returncode == 0
        assert world.iovteam("cancel").returncode == 0
        assert file.read_text().endswith("[Team]\nName=team0\nAdopt=yes\nAnnounceCount=5\n")
        assert first.exists() and settings(world)["AnnounceCount"] == "5"
        # A drop-in that changes what another one set: the file has what was in force.
        write(second, "[Team]\nAnnounceCount=9\n")
        assert world.iovteam("reload", "--confirm", "60").returncode == 0
        assert settings(world)["AnnounceCount"] == "9"
        assert world.iovteam("cancel").returncode == 0
        assert settings(world)["AnnounceCount"] == "5"
        assert file.read_text().endswith("[Team]\nName=team0\nAdopt=yes\nAnnounceCount=5\n")
        assert not first.exists() and not second.exists()
        assert (directory / "20-new.conf.rejected").read_text() == "[Team]\nAnnounceCount=9\n"
        assert world.iovteam("reload").returncode == 0
        assert settings(world)["AnnounceCount"] == "5"


def test_order_taken_back(world):
    """Members that were swapped by hand, and nothing else: with drop-ins and without."""
    def members(first, second):
        return TEAM + "".join(f"[Member]\nDevice={name}\n" for name in (first, second))

    file = world.config / "team0.conf"
    drop_in = world.config / "team0.conf.d" / "10-weight.conf"
    write(file, members("none0", "none1"))
    with world.daemon():
        for with_drop_in in (False, True):
            if with_drop_in:
                write(drop_in, "[Member]\nDevice=none1\nWeight=50\n")
                assert world.iovteam("reload").returncode == 0
            write(file, members("none1", "none0"))
            done = world.iovteam("reload", "--confirm", "60")
            assert done.returncode == 0, done.stderr
            assert world.iovteam("cancel").returncode == 0
            text = file.read_text()
            assert text.index("none0") < text.index("none1"), text


def test_what_cannot_be_noted(world):
    """C5: what could not be taken back is refused; without --confirm it is done."""
    words = ("team", "set", "team0", "stable-time-ms=2000")
    with world.daemon():
        write(world.config / os.fsdecode(b"t\xe9am0.conf"), TEAM)
        assert refused(world, "reload", "--confirm", "60").endswith(
            "am0.conf was cannot be noted: its name is not UTF-8")
        assert world.iovteam("reload").returncode == 0
        assert refused(world, *words, "--confirm", "60").endswith(
            "am0.conf was cannot be noted: its name is not UTF-8")
        assert not (world.config / ".pending").exists()
        assert world.iovteam(*words).returncode == 0


def test_not_taken_back_at_a_start(world):
    """C5: what a start could not take back is tried again, and nothing is changed meanwhile; what it
    cannot read waits for another start."""
    file, pending = world.config / "team0.conf", world.config / ".pending"
    write(file, TEAM)
    with world.daemon():
        done = world.iovteam("team", "set", "team0", "stable-time-ms=2000", "--confirm", "600")
        assert done.returncode == 0, done.stderr
    new, blocked = file.read_text(), world.config / "team0.conf.new"
    blocked.mkdir()  # where the old text would be written first
    sentence = (f"{pending} is left of an unconfirmed change: restart iovteamd to have it taken "
                "back, or remove that file to keep what there is now")
    with world.daemon():
        assert settings(world)["StableTimeMs"] == "2000"
        for words in (("team", "set", "team0", "return-bound-ms=9"), ("reload",)):
            assert "waits to be confirmed" in refused(world, *words)
        assert file.read_text() == new and pending.exists()
        blocked.rmdir()
        wait_until(lambda: not pending.exists(), "the old text to be back")
        assert file.read_text() == TEAM
        assert settings(world)["StableTimeMs"] == "1000"
        assert world.iovteam("reload").returncode == 0
    pending.write_text("nonsense")
    with world.daemon():
        assert refused(world, "reload") == sentence
        pending.unlink()
        assert world.iovteam("reload").returncode == 0
