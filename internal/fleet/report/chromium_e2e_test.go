//go:build e2e

package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

// screenshots is a folder to keep the test's screenshots in, for people to look at; without it they go with the test.
const screenshots = "EDGE_ARENA_SCREENSHOTS"

// found is what the page in the browser has.
type found struct {
	Dots, Rows, Histograms, Width, Inner int
	// Shown are the rows that can be seen.
	Legend, Names, Shown int
	Background           string
}

const look = `(() => {
	const visible = e => { const b = e.getBoundingClientRect(); return b.width > 0 && b.height > 0 };
	const all = s => [...document.querySelectorAll(s)];
	return {
		dots: all('.map .dot').filter(visible).length, rows: all('table.cities tr.city').length, histograms: all('figure > svg').filter(visible).length,
		width: document.documentElement.scrollWidth, inner: window.innerWidth, legend: all('.legend li').filter(visible).length,
		names: all('.names text').filter(visible).length, shown: all('table.cities tr.city').filter(visible).length,
		background: getComputedStyle(document.body).backgroundColor,
	};
})()`

func TestBrowserShowsTheReport(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	file := filepath.Join(t.TempDir(), "report.html")
	snapshot := china()
	html := render(t, snapshot, Options{Title: "Edge Arena fleet", GeneratedBy: "arena fleet report"})
	require.NoError(t, os.WriteFile(file, []byte(html), 0o644))
	browser := startBrowser(ctx, t)

	backgrounds := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			t.Run(fmt.Sprintf("%s at %d px", scheme, width), func(t *testing.T) {
				tab, cancel := chromedp.NewContext(browser)
				t.Cleanup(cancel)
				complaints := listen(t, tab)
				_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				require.NoError(t, err)
				require.NoError(t, chromedp.Do(tab, chromedp.EmulateViewport(width, 844), chromedp.Navigate("file://"+file)))
				page := run(t, tab, chromedp.Evaluate[found](look))
				picture := run(t, tab, chromedp.FullScreenshot(100))
				require.NoError(t, chromedp.Do(tab, chromedp.Evaluate[chromedp.Void](`document.getElementById("attention").click()`)))
				attention := run(t, tab, chromedp.Evaluate[found](look))
				save(t, fmt.Sprintf("report-%s-%d.png", scheme, width), picture)
				require.Empty(t, complaints())
				require.Equal(t, 109, page.Dots, "one for each city with a location")
				require.Equal(t, 110, page.Rows)
				require.Equal(t, 110, page.Shown)
				require.Equal(t, 7, attention.Shown, "what missed, failed or is owed")
				require.Equal(t, 99, page.Histograms, "one for each city that was played against")
				require.LessOrEqual(t, page.Width, page.Inner, "the page scrolls sideways")
				require.Equal(t, int(width), page.Inner)
				require.Len(t, results, page.Legend)
				require.Greater(t, page.Names, 10)
				backgrounds[page.Background] = true
			})
		}
	}
	require.Len(t, backgrounds, 2, "light and dark look alike")
}

// listen collects what the page complains of, and what it loads besides itself.
func listen(t *testing.T, tab context.Context) func() []string {
	t.Helper()
	var mu sync.Mutex
	var complaints []string
	err := chromedp.Listen(tab, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *cdpruntime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Text)
		case *cdpruntime.EventConsoleAPICalled:
			complaints = append(complaints, "console: "+e.Type.String())
		case *cdplog.EventEntryAdded:
			complaints = append(complaints, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if e.Type != network.ResourceTypeDocument && e.Request.URL != "data:," {
				complaints = append(complaints, "loads "+e.Request.URL)
			}
		}
	})
	require.NoError(t, err)
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return complaints
	}
}

// startBrowser starts a headless Chromium, which is installed where it is missing, with a profile of its own.
func startBrowser(ctx context.Context, t *testing.T) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		require.NoError(t, docker.Machine{}.Install(ctx, "chromium"))
	}
	path, err := exec.LookPath("chromium")
	require.NoError(t, err)
	allocator, cancel := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true),
	)
	t.Cleanup(cancel)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	t.Cleanup(cancelBrowser)
	require.NoError(t, chromedp.Do(browser)) // which starts it
	return browser
}

func run[T any](t *testing.T, tab context.Context, action chromedp.Action[T]) T {
	t.Helper()
	got, err := chromedp.Run(tab, action)
	require.NoError(t, err)
	return got
}

func save(t *testing.T, name string, picture []byte) {
	t.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" {
		dir = t.TempDir()
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), picture, 0o644))
}
