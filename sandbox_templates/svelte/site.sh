# A site has no server of its own: SvelteKit writes its pages as they are built, and says which of them it cannot write.
set -eu
served=$(find src/routes -name '+server.*')
if [ -n "$served" ]; then
  printf 'These need a server, which a site does not have:\n%s\n' "$served" >&2
  exit 1
fi
layout=src/routes/+layout.ts
[ ! -f src/routes/+layout.js ] || layout=src/routes/+layout.js
grep -qs "export const prerender" "$layout" || printf '\nexport const prerender = true;\n' >> "$layout"
npm run build
rm -rf site
mkdir site
# Vibe packs files itself; what the adapter packed lies beside what it was made of.
find dist -name '*.gz' -o -name '*.br' | while IFS= read -r packed; do
  [ ! -f "${packed%.*}" ] || rm "$packed"
done
cp -r dist/client/. site/
[ ! -d dist/prerendered ] || cp -r dist/prerendered/. site/
