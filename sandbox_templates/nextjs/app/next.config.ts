import type { NextConfig } from "next";

process.env.NEXT_TELEMETRY_DISABLED = "1";

// Where the app is shown: any *.localhost, E2B's cloud, and the host's own preview domain if it has one.
const previewHost = process.env.PREVIEW_DOMAIN?.split(":")[0];

const config: NextConfig = {
  // Without these the page would be shown there but stay dead: Next refuses its scripts' socket.
  allowedDevOrigins: ["*.localhost", "*.e2b.app", ...(previewHost ? [previewHost, `*.${previewHost}`] : [])],
  devIndicators: false,
};

export default config;
