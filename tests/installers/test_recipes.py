"""Checks the recipes for other systems as far as that is possible here, and Linux's menu entry."""

import configparser
import plistlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

INSTALLERS = Path(__file__).resolve().parents[2] / "installers"
SCRIPTS = sorted(INSTALLERS.rglob("*.sh"))
INNO = INSTALLERS / "windows" / "mien.iss"
DESKTOP = INSTALLERS / "linux" / "mien.desktop"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_shell_scripts_are_sound(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n") and "\nset -euo pipefail\n" in text
    subprocess.run(["bash", "-n", str(script)], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(script)], check=True)
    for name in re.findall(r"installers/([\w./-]+\.\w+)", text):
        assert "$" in name or (INSTALLERS / name).is_file(), name


def test_the_mac_application_says_why_it_wants_camera_and_microphone() -> None:
    with (INSTALLERS / "macos" / "Info.plist").open("rb") as file:
        plist = plistlib.load(file)
    for key in ("NSCameraUsageDescription", "NSMicrophoneUsageDescription"):
        assert plist[key].endswith(".") and len(plist[key]) > 30
    assert re.fullmatch(r"[a-z]+(\.[A-Za-z]+){2}", plist["CFBundleIdentifier"])
    assert plist["CFBundlePackageType"] == "APPL" and plist["NSHighResolutionCapable"] is True
    endings = [kind.get("CFBundleTypeExtensions") for kind in plist["CFBundleDocumentTypes"]]
    assert ["mien"] in endings


def test_the_mac_application_may_compile_and_use_the_camera() -> None:
    with (INSTALLERS / "macos" / "entitlements.plist").open("rb") as file:
        entitlements = plistlib.load(file)
    assert entitlements["com.apple.security.cs.allow-jit"] is True
    assert entitlements["com.apple.security.device.camera"] is True


def inno_sections() -> dict[str, list[str]]:
    """Return section -> its lines, without comments and preprocessor lines."""
    sections: dict[str, list[str]] = {}
    name = ""
    for line in INNO.read_text(encoding="utf-8").splitlines():
        stripped = line.strip()
        if match := re.fullmatch(r"\[(\w+)\]", stripped):
            name = match.group(1)
            assert name not in sections
            sections[name] = []
        elif stripped and not stripped.startswith((";", "#")):
            sections[name].append(stripped)
    return sections


# The words that Inno Setup 6 knows; a recipe may use no others.
SECTIONS = [
    "Setup",
    "Types",
    "Components",
    "Tasks",
    "Dirs",
    "Files",
    "Icons",
    "INI",
    "InstallDelete",
    "Languages",
    "Messages",
    "CustomMessages",
    "Registry",
    "Run",
    "UninstallDelete",
    "UninstallRun",
    "Code",
]
PARAMETERS = {
    "Languages": "Name MessagesFile",
    "Tasks": "Name Description Flags GroupDescription",
    "Files": "Source DestDir Flags DestName Excludes",
    "Icons": "Name Filename Tasks WorkingDir Parameters IconFilename",
    "Registry": "Root Subkey ValueType ValueName ValueData Flags",
    "Run": "Filename Description Flags Parameters",
    "InstallDelete": "Type Name",
    "UninstallDelete": "Type Name",
}
FLAGS = {
    "unchecked",
    "ignoreversion",
    "recursesubdirs",
    "createallsubdirs",
    "uninsdeletevalue",
    "uninsdeletekey",
    "nowait",
    "postinstall",
    "skipifsilent",
}
CONSTANTS = {"app", "autopf", "group", "userdesktop", "localappdata", "#Version", "#Suffix"}


def test_the_inno_script_uses_words_that_inno_setup_knows() -> None:
    sections = inno_sections()
    assert set(sections) <= set(SECTIONS)
    for section, lines in sections.items():
        if section == "Setup":
            continue
        for line in lines:
            assert line.count('"') % 2 == 0, line
            bare = re.sub(r'"(?:[^"]|"")*"', '""', line)
            names = [part.partition(":")[0].strip() for part in bare.split(";")]
            assert set(names) <= set(PARAMETERS[section].split()), line
            for flags in re.findall(r"Flags: ([\w ]+)", line):
                assert set(flags.split()) <= FLAGS, line
            for constant in re.findall(r"\{([^{}]+)\}", line):
                assert constant in CONSTANTS or constant.startswith("cm:"), line


def test_the_inno_script_installs_for_one_user_without_rights() -> None:
    sections = inno_sections()
    setup = dict(line.split("=", 1) for line in sections["Setup"])
    assert setup["PrivilegesRequired"] == "lowest" and setup["DefaultDirName"].startswith("{autopf}")
    assert re.fullmatch(r"\{\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", setup["AppId"])
    assert all("Root: HKCU" in line for line in sections["Registry"])
    tasks = set(re.findall(r'Name: "(\w+)"', "\n".join(sections["Tasks"])))
    assert set(re.findall(r"Tasks: (\w+)", "\n".join(sections["Icons"]))) <= tasks
    programs = re.findall(r"\{app\}\\([\w-]+\.exe)", INNO.read_text(encoding="utf-8"))
    assert set(programs) == {"mien-window.exe"}  # mien.spec makes this program without a console
    for place in (setup["LicenseFile"], r"..\..\installers\mien.spec"):
        assert (INNO.parent / place.replace("\\", "/")).resolve().is_file()


def entry(path: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(delimiters=["="], strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path, encoding="utf-8")
    return parser["Desktop Entry"]


def test_the_desktop_file_says_what_a_menu_needs() -> None:
    desktop = entry(DESKTOP)
    assert desktop["Type"] == "Application" and desktop["Terminal"] == "false"
    assert desktop["Exec"] == "mien %f" and desktop["Icon"] == "mien"
    assert "Graphics" in desktop["Categories"].split(";")
    assert all(desktop[key].endswith(";") for key in ("Categories", "Keywords", "MimeType"))
    assert all(re.fullmatch(r"image/[\w+]+", kind) for kind in desktop["MimeType"].split(";")[:-1])
    if shutil.which("desktop-file-validate"):
        subprocess.run(["desktop-file-validate", str(DESKTOP)], check=True)


def unquoted(command: str) -> str:
    """Return the program of an Exec key (Desktop Entry Specification: string escapes, then quotes, then %%)."""
    once = command.replace("\\\\", "\\")
    match = re.fullmatch(r'"((?:[^"\\]|\\.)*)" %f', once)
    assert match, command
    return re.sub(r"\\(.)", r"\1", match.group(1)).replace("%%", "%")


@pytest.mark.parametrize("name", ["mien", "Müller & Söhne 笑", 'a "quoted" $HOME `x` 100% \\ path'])
def test_the_menu_entry_points_at_the_program_wherever_it_lies(tmp_path: Path, name: str) -> None:
    bundle, home = tmp_path / name, tmp_path / "home"
    bundle.mkdir()
    home.mkdir()
    for file in (DESKTOP, DESKTOP.with_name("install.sh")):
        shutil.copy(file, bundle)
    (bundle / "mien").write_text("#!/bin/sh\necho it runs\n")
    (bundle / "mien").chmod(0o755)
    (bundle / "mien.png").touch()
    script = ["bash", str(bundle / "install.sh")]
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    subprocess.run(script, env=environment, check=True, capture_output=True)
    installed = home / ".local" / "share" / "applications" / "mien.desktop"
    assert unquoted(entry(installed)["Exec"]) == str(bundle / "mien")
    answer = subprocess.run([home / ".local/bin/mien"], check=True, capture_output=True, text=True).stdout
    assert answer == "it runs\n"
    subprocess.run([*script, "--remove"], env=environment, check=True, capture_output=True)
    assert [path for path in home.rglob("*") if not path.is_dir()] == []
