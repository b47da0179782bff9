/** One machine that stays: its shells, its screen, its console, and what it is. */
import { useEffect, useState } from "preact/hooks";
import type { ApiVm } from "../../generated/api.ts";
import type { ServerEvent } from "../api-types.ts";
import { useResource } from "../core/resource.ts";
import { navigate, query } from "../core/router.ts";
import { MACHINE_TABS, type MachineTab, machinePath } from "../core/routes.ts";
import { useVmRights } from "../features/vms/use-vm-rights.ts";
import { VmActions } from "../features/vms/vm-actions.tsx";
import { vmPath } from "../features/vms/vm-api.ts";
import { VmFacts } from "../features/vms/vm-facts.tsx";
import { VmUseTab } from "../features/vms/vm-uses.tsx";
import { isLive, vmTitle } from "../features/vms/vm-words.ts";
import { href } from "../features/vms/vms.css";
import type { IconName } from "../ui/icon.tsx";
import { Empty, ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { styled } from "../ui/styled.tsx";
import { Tabs } from "../ui/tabs.tsx";

const TABS: Readonly<Record<MachineTab, { label: string; icon: IconName }>> = {
  terminal: { label: "Terminal", icon: "terminal" },
  display: { label: "Display", icon: "screen" },
  console: { label: "Console", icon: "list" },
};

/** A worker tells of changes for a while after it was asked. */
const LOOK_MS = 10_000;
/** Until its agent answers; nobody tells of that. */
const BOOT_MS = 2_000;

const onMachine = { on: ({ name }: ServerEvent) => name === "machine" };

export const MachinePage = styled(href, ({ machine, tab }: { machine: string; tab: MachineTab }) => {
  const worker = query.value.get("worker") ?? undefined;
  const [everyMs, setEveryMs] = useState(LOOK_MS);
  const { data: vm, error, refresh } = useResource<ApiVm>(vmPath(machine, worker), { ...onMachine, everyMs });
  const isBooting = vm?.state === "running" && vm.shell === false;
  useEffect(() => setEveryMs(isBooting ? BOOT_MS : LOOK_MS), [isBooting]);
  const rights = useVmRights(vm);
  const list = worker === undefined ? "/machines" : `/machines?worker=${encodeURIComponent(worker)}`;
  return (
    <Page
      title={vm === undefined ? machine : vmTitle(vm)}
      isWide
      before={
        <nav class="trail small" aria-label="Above this page">
          <a href={list}>Machines</a>
        </nav>
      }
      actions={
        vm && <VmActions vm={vm} worker={worker} rights={rights} onGone={() => navigate(list, { replace: true })} />
      }
    >
      {error === undefined ? undefined : <ErrorNotice error={error} onRetry={refresh} />}
      {vm === undefined && error === undefined ? <Loading lines={8} /> : undefined}
      {vm === undefined ? undefined : (
        <>
          <p class="vm-title">
            <StateBadge state={vm.state} />
            {vm.reason === undefined || vm.state === "running" ? undefined : <span class="small">{vm.reason}</span>}
          </p>
          <div class="task">
            <div class="task-main">
              <Tabs
                label="Ways to use the machine"
                tabs={MACHINE_TABS.map((name) => ({
                  ...TABS[name],
                  href: machinePath(machine, { worker, tab: name }),
                  isCurrent: name === tab,
                }))}
              />
              <Use vm={vm} worker={worker} tab={tab} isAllowed={rights.control} />
            </div>
            <VmFacts vm={vm} worker={worker} />
          </div>
        </>
      )}
    </Page>
  );
});

interface UseProps {
  vm: ApiVm;
  worker: string | undefined;
  tab: MachineTab;
  isAllowed: boolean;
}

/** What is there of it, in its state. */
function Use({ vm, worker, tab, isAllowed }: UseProps) {
  const { icon } = TABS[tab];
  if (vm.state === "creating") return <Empty icon="clock" title="It is being made." />;
  if (!isLive(vm)) {
    return (
      <Empty icon={icon} title="It does not run.">
        {vm.starts === 0 ? "It has never been started." : "What was on its disk is there when it starts again."}
      </Empty>
    );
  }
  if (vm.state === "paused" && tab === "terminal") {
    return (
      <Empty icon="pause" title="It is paused: no shell answers.">
        Its screen and its console show how it stands.
      </Empty>
    );
  }
  return <VmUseTab vm={vm} worker={worker} tab={tab} isAllowed={isAllowed} />;
}
