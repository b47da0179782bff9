import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

export function ImagesPage() {
  return (
    <Page title="Images">
      <Empty icon="disk" title="Nothing here yet." />
    </Page>
  );
}
