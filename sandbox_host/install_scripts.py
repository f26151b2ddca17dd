"""Install scripts of packages do not run in a sandbox, but for a few well-known ones that prepare a binary."""

# Each is named by its own package.json only, so this is no wall: what a script may do is what any code inside may.
ALLOWED = ("@parcel/watcher", "@swc/core", "esbuild", "lmdb", "msgpackr-extract", "sharp", "unrs-resolver", "workerd")

NPM = f"""#!/bin/bash
# npm, which runs no install scripts here (NPM_CONFIG_IGNORE_SCRIPTS); after an install those of a few packages run.
real=$(PATH=${{PATH//\\/opt\\/shim:/}} type -P npm)
case $1 in
  add|ci|clean-install|i|in|install|install-clean|install-test|it|update|up|upgrade) ;;
  *) exec "$real" "$@" ;;
esac
"$real" "$@" || exit
[[ $NPM_CONFIG_IGNORE_SCRIPTS == true && " $* " != *" --ignore-scripts "* ]] || exit 0
allowed=()
for name in {" ".join(ALLOWED)}; do
  [[ -e node_modules/$name/package.json ]] && allowed+=("$name")
done
[[ ${{#allowed[@]}} -eq 0 ]] || exec "$real" rebuild --ignore-scripts=false "${{allowed[@]}}" >/dev/null
"""
