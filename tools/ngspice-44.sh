#!/bin/sh
# Unpack ngspice 44, its library and the C library that they need into a folder, beside this system's own ngspice:
#     tools/ngspice-44.sh FOLDER
# The packages are those of Debian 13 (trixie), fetched with apt under settings of their own, so that nothing is installed
# and the system's package lists stay as they are. Afterwards FOLDER/bin/ngspice is the program, FOLDER/libngspice.so.0
# the library, and FOLDER/bin/run PROGRAM ... runs a program that is to load it. Other libraries are those of the system.
set -eu
[ $# = 1 ] || { echo "usage: tools/ngspice-44.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
works() { "$folder/bin/ngspice" --version 2>/dev/null | grep -q "ngspice-44"; }
works && exit 0
for program in apt-get dpkg dpkg-deb; do
    command -v $program >/dev/null 2>&1 || { echo "ngspice 44 is not unpacked: no $program on this system" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial"
key=/usr/share/keyrings/debian-archive-keyring.gpg
signed=$([ -e $key ] && echo "[signed-by=$key]" || true)
echo "deb $signed http://deb.debian.org/debian trixie main" > "$work/sources.list"
cat > "$work/apt.conf" <<END
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$work/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$work";
APT::Sandbox::User "";
Acquire::Retries "3";
Acquire::Languages "none";
END
fetch() {
    cd "$work" && APT_CONFIG="$work/apt.conf" apt-get update -qq &&
        APT_CONFIG="$work/apt.conf" apt-get download -qq ngspice libngspice0 libc6 libstdc++6 libgcc-s1 libgomp1
}
(fetch) > "$work/log" 2>&1 || { sleep 5; (fetch) > "$work/log" 2>&1; } || {
    echo "ngspice 44 is not unpacked: its packages cannot be fetched from deb.debian.org:" >&2
    tail -n 5 "$work/log" >&2
    exit 1
}
rm -rf "$folder/root" "$folder/bin"
mkdir -p "$folder/bin"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$folder/root"; done
loader=$(find "$folder/root/usr/lib" -path "*-linux-gnu*/ld-linux*.so.*" | head -n 1)
libraries=$(dirname "$loader")
ln -sf "$libraries/libngspice.so.0" "$folder/libngspice.so.0"
# Its start file names code models by their place in a system, where those of another version may be.
sed -i "s|codemodel /usr|codemodel $folder/root/usr|" "$folder/root/usr/share/ngspice/scripts/spinit"
cat > "$folder/bin/run" <<END
#!/bin/sh
export SPICE_LIB_DIR="$folder/root/usr/share/ngspice"
exec "$loader" --library-path "$libraries" "\$@"
END
cat > "$folder/bin/ngspice" <<END
#!/bin/sh
exec "$folder/bin/run" "$folder/root/usr/bin/ngspice" "\$@"
END
chmod +x "$folder/bin/run" "$folder/bin/ngspice"
works || { echo "ngspice 44 is unpacked in $folder, but does not run:" >&2; "$folder/bin/ngspice" --version >&2; exit 1; }
echo "unpacked ngspice 44 into $folder"
