import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// Where the app is shown: any *.localhost, E2B's cloud, and the host's own preview domain if it has one.
const previewHost = process.env.PREVIEW_DOMAIN?.split(":")[0];
const allowedHosts = [".localhost", ".e2b.app", ...(previewHost ? [previewHost, `.${previewHost}`] : [])];

export default defineConfig({
  plugins: [vue(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: { host: "0.0.0.0", port: 3000, strictPort: true, allowedHosts },
  preview: { host: "0.0.0.0", port: 3000, strictPort: true, allowedHosts },
  // Pre-bundled with the template, so that the first import of an icon does not reload the page.
  optimizeDeps: { include: ["vue", "@lucide/vue"] },
});
