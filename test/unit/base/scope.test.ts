import { describe, expect, it } from "vitest";
import { Scope } from "../../../src/base/scope.ts";

describe("Scope", () => {
  it("gives back in reverse order, all of it even if one step fails", async () => {
    const done: number[] = [];
    const scope = new Scope();
    scope.defer(() => done.push(1));
    scope.defer(() => Promise.reject(new Error("stuck")));
    scope.defer(() => done.push(3));
    await expect(scope[Symbol.asyncDispose]()).rejects.toThrow("stuck");
    expect(done).toEqual([3, 1]);
  });

  it("happens once, however many ask for it", async () => {
    let count = 0;
    const scope = new Scope();
    scope.defer(() => count++);
    await Promise.all([scope[Symbol.asyncDispose](), scope[Symbol.asyncDispose]()]);
    expect(count).toBe(1);
  });

  it("keeps nothing after it has moved", async () => {
    let count = 0;
    const scope = new Scope();
    scope.defer(() => count++);
    const moved = scope.move();
    await scope[Symbol.asyncDispose]();
    expect(count).toBe(0);
    await moved[Symbol.asyncDispose]();
    expect(count).toBe(1);
  });

  it("takes nothing more once it is disposed", async () => {
    const scope = new Scope();
    await scope[Symbol.asyncDispose]();
    expect(() => scope.defer(() => {})).toThrow();
  });
});
