import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

export function LoginPage() {
  return (
    <Page title="Login">
      <Empty icon="user" title="Nothing here yet." />
    </Page>
  );
}
