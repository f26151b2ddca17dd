"""The shell scripts that a Box runs in its sandbox. What varies comes by environment, so that nothing is quoted."""

# mkdir is the claim: it succeeds once.
# Without stdbuf, head would hold the output back until its end. Of a long output its beginning and end stay on the
# disk, once the command is over. Where the disk is full, what commands said before gives way, and a piece that was kept
# free for it: so that a command which deletes something can still run.
STEP = r"""
make_room() { rm -f "$HOME/.vibe/room"; for o in "$HOME"/.vibe/steps/*/out; do : > "$o"; done; } 2>/dev/null
keep_room() { [ -e "$HOME/.vibe/room" ] || head -c 262144 /dev/zero > "$HOME/.vibe/room" || make_room; } 2>/dev/null
d="$HOME/.vibe/steps/$VIBE_KEY"; mkdir -p "$HOME/.vibe/steps"; cd "$VIBE_ROOT" || exit 252
mine=
if mkdir "$d" 2>/dev/null; then
  mine=1; keep_room
elif [ ! -d "$d" ]; then
  make_room; mkdir "$d" 2>/dev/null && mine=1
fi
if [ -n "$mine" ]; then
  # Written over in place at the end, so that a command which fills the disk can still say how it ended.
  : > "$d/out"; printf '%-4s' '' > "$d/code.new"
  VIBE_DIR="$d" setsid bash -c '${VIBE_BACKGROUND:+timeout --foreground "$VIBE_BACKGROUND"} bash -lc "$VIBE_CMD"; c=$?
    if [ "$(stat -c %s "$VIBE_DIR/out")" -gt $((VIBE_HEAD + VIBE_TAIL)) ]; then
      end=$(tail -c "$VIBE_TAIL" "$VIBE_DIR/out" | tr -d "\0")
      truncate -s "$VIBE_HEAD" "$VIBE_DIR/out"; printf "%s\n" "$end" >> "$VIBE_DIR/out"
    fi
    printf '%-4s' $c 1<> "$VIBE_DIR/code.new"; mv "$VIBE_DIR/code.new" "$VIBE_DIR/code"
    [ -z "$VIBE_BACKGROUND" ] || kill -KILL 0' > "$d/out" 2>&1 < /dev/null &
  echo $! > "$d/pid"
  disown
elif [ ! -d "$d" ]; then
  echo "Not run: there is no room on the sandbox's disk. Delete something with delete_files."; exit 1
fi
for _ in $(seq 40); do [ -s "$d/pid" ] && break; sleep 0.05; done
pid=$(cat "$d/pid" 2>/dev/null) || exit 251
if [ -n "$VIBE_BACKGROUND" ]; then
  for _ in $(seq 20); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
  head -c "$VIBE_HEAD" "$d/out"
  [ -f "$d/code" ] && exit $(cat "$d/code")
  kill -0 "$pid" 2>/dev/null && exit 250
  exit 251
fi
tail -c +1 -s 0.05 --pid="$pid" -f "$d/out" 2>/dev/null |
  stdbuf -o0 head -c "$VIBE_HEAD"
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
[ -f "$d/code" ] && exit $(cat "$d/code")
exit 251
"""
# A step that has not begun is claimed, so that it never will; one that is just beginning is waited for, also until it
# leads a group of its own.
KILL_STEP = r"""
d="$HOME/.vibe/steps/$VIBE_KEY"; mkdir -p "$HOME/.vibe/steps"
mkdir "$d" 2>/dev/null && exit 0
for _ in $(seq 40); do [ -s "$d/pid" ] && break; sleep 0.05; done
pid=$(cat "$d/pid") || exit 0
for _ in $(seq 40); do
  kill -KILL -- "-$pid" 2>/dev/null && break
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.05
done
"""
TAIL = r"""tail -c "$VIBE_TAIL" "$HOME/.vibe/steps/$VIBE_KEY/out" """
# The exit code of STEP when a command was claimed and nobody knows how it ended.
UNKNOWN = 251
# Its exit code for a command that goes on in the background.
GOES_ON = 250

# Two at once, of a run and a visit, start one server. The lock is on the folder, for which a full disk has room.
SERVE = r"""
mkdir -p "$HOME/.vibe"; cd "$VIBE_ROOT" || exit 252
exec 9< "$HOME/.vibe"; flock -w 10 9
if [ -n "$VIBE_RESTART" ] && [ -f "$HOME/.vibe/dev.pid" ]; then
  kill -KILL -- "-$(cat "$HOME/.vibe/dev.pid")" 2>/dev/null; rm -f "$HOME/.vibe/dev.pid"
fi
# After a cold start the number may be another process's: its command line tells.
pid=$(cat "$HOME/.vibe/dev.pid" 2>/dev/null || echo none)
if ! { tr '\0' ' ' < "/proc/$pid/cmdline" | grep -qF -- "$VIBE_CMD"; } 2>/dev/null; then
  printf %s "$VIBE_BRIDGE" > "$HOME/.vibe/bridge.js"; printf %s "$VIBE_BRIDGE_SERVER" > "$HOME/.vibe/server.cjs"
  export PORT="$VIBE_PORT" NODE_OPTIONS="--require $HOME/.vibe/server.cjs"
  setsid bash -lc "$VIBE_CMD" > "$HOME/.vibe/dev.log" 2>&1 < /dev/null 9<&- &
  echo $! > "$HOME/.vibe/dev.pid"
  # It is known by its command line, which is there in a moment.
  for _ in $(seq 40); do
    tr '\0' ' ' < "/proc/$!/cmdline" | grep -qF -- "$VIBE_CMD" && break; sleep 0.05
  done 2>/dev/null
else
  exec 9<&-
  # What is made of all files at once misses those that came while it read: Tailwind then keeps a style sheet without
  # their classes, through every reload, until the sheet itself is newer.
  find . \( $VIBE_PRUNE \) -prune -o -name '*.css' -type f -print0 | xargs -0r grep -lZ tailwindcss | xargs -0r touch
fi
"""
SERVE_FOLDER = r"""
cd "$VIBE_ROOT" || exit 252
setsid python3 -m http.server "$VIBE_PORT" > /dev/null 2>&1 < /dev/null &
"""
# Prints the status of GET $VIBE_URL, 0 while nobody listens; waits up to $VIBE_SECONDS for an answer.
PROBE = r"""
python3 -c '
import os, time, urllib.error, urllib.request
end = time.monotonic() + float(os.environ["VIBE_SECONDS"])
while True:
    try:
        status = urllib.request.urlopen(os.environ["VIBE_URL"], timeout=10).status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError:
        status = 0
    if status or time.monotonic() > end:
        break
    time.sleep(0.05)
print(status)
'
"""
# Prints the status of GET $VIBE_URL, then the text between the tags of at most 200 kB.
PAGE = r"""
python3 -c '
import os, re, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(os.environ["VIBE_URL"], timeout=15)
except urllib.error.HTTPError as error:
    answer = error
except OSError:
    raise SystemExit(print(0))
html = answer.read(200_000).decode("utf-8", "replace")
html = re.sub(r"(?is)<(script|style|template)\b.*?</\1\s*>|<!--.*?-->", " ", html)
print(answer.status, " ".join(re.sub(r"<[^>]*>", " ", html).split()), sep="\n")
'
"""
# Packages that are named and not there are installed; if that fails, it prints why.
INSTALL = r"""
mkdir -p "$HOME/.vibe"; cd "$VIBE_ROOT" || exit 252
if [ -f package.json ] && ! npm ls --depth=0 > /dev/null 2>&1; then
  timeout "$VIBE_SECONDS" npm install --ignore-scripts --no-audit --no-fund > "$HOME/.vibe/repair.log" 2>&1 || {
    code=$?; tail -c 2000 "$HOME/.vibe/repair.log"
    [ $code != 124 ] || echo "npm install took longer than $VIBE_SECONDS s."
  }
fi
true
"""
# What needs no thought: caches that went stale are thrown away first.
REPAIR = (
    'cd "$VIBE_ROOT" || exit 252; rm -rf node_modules/.vite node_modules/.cache .next .svelte-kit .angular' + INSTALL
)
FIND = r"""cd "$VIBE_ROOT" && find . \( $VIBE_PRUNE \) -prune -o -type f -print0"""
# What grep says of a pattern it does not understand comes on the other stream.
GREP = r"""
cd "$VIBE_ROOT" && if [ -n "$VIBE_AMONG" ]; then cat "$VIBE_AMONG"
  else find "$VIBE_PATH" \( $VIBE_PRUNE \) -prune -o -type f -print0 2> /dev/null; fi |
  LC_ALL=C.UTF-8 xargs -0r grep -nIsH $VIBE_FLAGS -m "$VIBE_MOST" -e "$VIBE_PATTERN" -- | cut -c1-300 |
  head -n "$VIBE_MOST"; true
"""
HASHES = r"""cd "$VIBE_ROOT" && find . \( $VIBE_PRUNE \) -prune -o -type f -print0 | xargs -0r sha256sum -z --"""
# No more of it than one byte too many: what an app holds is its model's doing. tar then ends by SIGPIPE (141).
# It ends by 1 where a live app made or changed something meanwhile.
PACK = r"""cd "$VIBE_ROOT" || exit
tar -cf - --format=gnu --hard-dereference $VIBE_EXCLUDE . | head -c "$VIBE_MOST" | gzip > "$HOME/.vibe-snapshot"
case ${PIPESTATUS[*]} in "0 0 0" | "1 0 0" | "141 0 0") ;; *) exit 1 ;; esac"""
