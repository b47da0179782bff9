import { render } from "preact";
import { App } from "./app.tsx";
import { startClock } from "./core/clock.ts";
import { startKeys } from "./core/keys.ts";
import { startRouter } from "./core/router.ts";
import { startSession } from "./core/session.ts";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no place for the dashboard");
startRouter();
startKeys();
startClock();
void startSession();
render(<App />, root);
