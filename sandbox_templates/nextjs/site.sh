# A site has no server of its own: Next.js writes its pages into out/, and says which of them it cannot write.
set -eu
# Handlers of GET it writes as files, too; the others would be gone without a word.
others='export +(async +)?(function|const) +(POST|PUT|PATCH|DELETE)'
served=$(find app src/app -name 'route.*' -exec grep -lE "$others" {} + 2> /dev/null || true)
if [ -n "$served" ]; then
  printf 'These need a server, which a site does not have:\n%s\n' "$served" >&2
  exit 1
fi
config=next.config.mjs
app="const app = {};"
for name in next.config.ts next.config.mjs next.config.js; do
  [ -f "$name" ] || continue
  config=$name
  mv "$name" "app.$name"
  app="import app from \"./app.${name%.ts}\";"
  break
done
cat > "$config" << CONFIG
// @ts-nocheck
$app
const made = typeof app === "function" ? app("phase-production-build", { defaultConfig: {} }) : app;
export default async () => {
  const { distDir, basePath, assetPrefix, ...config } = await made;
  return { ...config, output: "export", images: { ...config.images, unoptimized: true } };
};
CONFIG
rm -rf out
npm run build
