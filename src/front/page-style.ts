/** Text on its ground has a contrast of 7:1 or more in both schemes (WCAG 2.2, 1.4.6), the bar of 3:1 (1.4.11). */
export const style = `
:root{color-scheme:light dark;--ground:#f5f6f8;--card:#fff;--line:#d5d9e0;--text:#1b1d21;--soft:#474d57;--bar:#1f5fbf;--track:#dfe4ec}
@media (prefers-color-scheme:dark){:root{--ground:#121417;--card:#1b1e23;--line:#363b44;--text:#eceef1;--soft:#b9c0ca;--bar:#7fb0ff;--track:#31363f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100svh;display:grid;place-items:center;padding:1rem;background:var(--ground);color:var(--text);font:1rem/1.55 system-ui,sans-serif}
main{width:100%;max-width:32rem;padding:clamp(1.25rem,5vw,2.25rem);background:var(--card);border:1px solid var(--line);border-radius:.75rem}
h1{margin:0 0 .75rem;font-size:1.375rem;line-height:1.3;font-weight:600;overflow-wrap:anywhere}
p{margin:.75rem 0 0}
.soft{color:var(--soft);font-variant-numeric:tabular-nums}
a{color:var(--bar);text-underline-offset:.2em}
a:focus-visible{outline:3px solid var(--bar);outline-offset:3px;border-radius:2px}
code{font:.9375em ui-monospace,monospace;overflow-wrap:anywhere}
.bar{height:.375rem;margin-top:1.25rem;border-radius:1rem;background:var(--track);overflow:hidden}
.bar i{display:block;width:35%;height:100%;border-radius:inherit;background:var(--bar);animation:go 1.6s ease-in-out infinite alternate}
@keyframes go{from{transform:translateX(-30%)}to{transform:translateX(215%)}}
@media (prefers-reduced-motion:reduce){.bar i{width:100%;animation:none}}
@media (forced-colors:active){.bar{border:1px solid CanvasText}.bar i{background:Highlight}}
`;
