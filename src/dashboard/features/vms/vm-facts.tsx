/** Beside a machine that stays: what it is. */
import type { ApiVm } from "../../../generated/api.ts";
import { Fact } from "../../ui/fact.tsx";
import { Elapsed, RelativeTime } from "../../ui/time.tsx";
import { imagePagePath } from "../images/image-link.tsx";
import { VmOrigin } from "./vm-origin.tsx";
import { imageName, portText, vmSize } from "./vm-words.ts";

export function VmFacts({ vm, worker }: { vm: ApiVm; worker: string | undefined }) {
  const { id, image, from, machine, accelerator, network, ports, created, started, starts, changed, state } = vm;
  return (
    <aside class="run-facts" aria-label="Facts of the machine">
      <section class="section">
        <h2>Facts</h2>
        <dl class="facts">
          <Fact label={`${state.charAt(0).toUpperCase()}${state.slice(1)}`}>
            for <Elapsed since={changed} />
          </Fact>
          <Fact label="Image">
            <a href={imagePagePath(image.digest, worker)} title={image.digest}>
              {imageName(vm)}
            </a>
          </Fact>
          {from === undefined ? undefined : (
            <Fact label="Goes on from">
              <VmOrigin from={from} worker={worker} />
            </Fact>
          )}
          <Fact label="Size">{vmSize(vm)}</Fact>
          <Fact label="Hardware">{machine.split(",", 1)[0]}</Fact>
          {accelerator === undefined ? undefined : <Fact label="CPU">{accelerator}</Fact>}
          <Fact label="Network">{network}</Fact>
          {ports.length === 0 ? undefined : (
            <Fact label="Ports">
              <ul>
                {ports.map((port) => (
                  <li key={portText(port)}>
                    <code>{portText(port)}</code>
                  </li>
                ))}
              </ul>
            </Fact>
          )}
          {started === undefined ? undefined : (
            <Fact label="Started">
              <RelativeTime at={started} />
              {starts === 1 ? "" : `, ${starts} times`}
            </Fact>
          )}
          <Fact label="Made">
            <RelativeTime at={created} />
          </Fact>
          <Fact label="Worker">{vm.worker}</Fact>
          <Fact label="Id">
            <code>{id}</code>
          </Fact>
        </dl>
      </section>
    </aside>
  );
}
