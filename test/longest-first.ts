/** The order of test files: as Vitest has it, but what is known to take minutes begins first in its project. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Nobody else should have to wait for one of them alone. */
const LONG = ["test/system/cloud-init.test.ts", "test/integration/queue/soak.test.ts"] as const;

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.endsWith(`/${name}`));
    const sorted = await super.sort(files);
    // Groups and projects are run one after the other anyway.
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
