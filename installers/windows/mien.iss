; Inno Setup 6: installs for the user who runs it, without administrator's rights.
; build_windows.sh calls: ISCC /DVersion=0.1.0 /DSuffix=-cuda installers\windows\mien.iss
#ifndef Version
  #error Say which version: /DVersion=1.2.3
#endif
#ifndef Suffix
  #define Suffix ""
#endif

[Setup]
AppId={{6C2B7E0D-52D4-4F0B-9B57-2C3F4D1B8A61}
AppName=Mien
AppVersion={#Version}
AppVerName=Mien {#Version}
DefaultDirName={autopf}\Mien
DefaultGroupName=Mien
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
LicenseFile=..\..\LICENSE
SetupIconFile=..\..\build\mien.ico
UninstallDisplayIcon={app}\mien-window.exe
OutputDir=..\..\dist
OutputBaseFilename=mien-{#Version}-windows{#Suffix}
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern
CloseApplications=yes
ChangesAssociations=yes

[Languages]
Name: "en"; MessagesFile: "compiler:Default.isl"
Name: "de"; MessagesFile: "compiler:Languages\German.isl"

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked

[InstallDelete]
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "..\..\dist\mien\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{group}\Mien"; Filename: "{app}\mien-window.exe"
Name: "{userdesktop}\Mien"; Filename: "{app}\mien-window.exe"; Tasks: desktopicon

[Registry]
Root: HKCU; Subkey: "Software\Classes\.mien"; ValueType: string; ValueData: "Mien.Project"; Flags: uninsdeletevalue
Root: HKCU; Subkey: "Software\Classes\Mien.Project"; ValueType: string; ValueData: "Mien project"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Classes\Mien.Project\shell\open\command"; ValueType: string; ValueData: """{app}\mien-window.exe"" ""%1"""
Root: HKCU; Subkey: "Software\Classes\Applications\mien-window.exe\shell\open\command"; ValueType: string; ValueData: """{app}\mien-window.exe"" ""%1"""; Flags: uninsdeletekey

[Run]
Filename: "{app}\mien-window.exe"; Description: "{cm:LaunchProgram,Mien}"; Flags: nowait postinstall skipifsilent

[UninstallDelete]
Type: filesandordirs; Name: "{localappdata}\Mien\cache"
