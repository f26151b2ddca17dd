import adapter from "@sveltejs/adapter-node";
import { sveltekit } from "@sveltejs/kit/vite";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

// Where the app is shown: any *.localhost, E2B's cloud, and the host's own preview domain if it has one.
const previewHost = process.env.PREVIEW_DOMAIN?.split(":")[0];
const allowedHosts = [".localhost", ".e2b.app", ...(previewHost ? [previewHost, `.${previewHost}`] : [])];

export default defineConfig({
  plugins: [
    tailwindcss(),
    sveltekit({
      adapter: adapter({ out: "dist" }),
      compilerOptions: {
        // Runes everywhere, except in libraries.
        runes: ({ filename }) => (filename.split(/[/\\]/).includes("node_modules") ? undefined : true),
      },
    }),
  ],
  server: { host: "0.0.0.0", port: 3000, strictPort: true, allowedHosts },
  preview: { host: "0.0.0.0", port: 3000, strictPort: true, allowedHosts },
  // Served as it is, so that the first import of an icon does not reload the page.
  optimizeDeps: { exclude: ["@lucide/svelte"] },
});
