package hubgateway

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/mint"
)

// rig is a gateway with a store behind it, and what a city shows.
type rig struct {
	url     string
	secrets *mint.RegionSecrets
	metrics *metrics
	got     chan string
}

func start(t *testing.T) rig {
	t.Helper()
	secrets, err := mint.Region(mint.RegionSpec{Region: "east", Generation: 1, Cities: []string{"suzhou"}}, nil, time.Now())
	require.NoError(t, err)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	r := rig{secrets: secrets, metrics: newMetrics(), got: make(chan string, 1)}
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.got <- q.Method + " " + q.URL.RequestURI() + " " + string(body) + " " + q.Header.Get("Authorization")
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(store.Close)
	c := Config{
		CA: file("ca", secrets.CA), Certificate: file("crt", secrets.Hub.Certificate), Key: file("key", secrets.Hub.Key),
		Prometheus: store.URL, Alertmanager: store.URL,
	}
	s, err := c.server(r.metrics)
	require.NoError(t, err)
	front := httptest.NewUnstartedServer(s.Handler)
	front.TLS, front.Config.ErrorLog = s.TLSConfig, s.ErrorLog
	front.StartTLS()
	t.Cleanup(front.Close)
	r.url = front.URL
	return r
}

// client shows the pair; none shows nothing.
func (r rig) client(t *testing.T, pair mint.Pair) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(r.secrets.CA)))
	cfg := &tls.Config{RootCAs: pool, ServerName: mint.HubName}
	if pair.Key != "" {
		own, err := tls.X509KeyPair([]byte(pair.Certificate), []byte(pair.Key))
		require.NoError(t, err)
		cfg.Certificates = []tls.Certificate{own}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: cfg}}
}

func TestACityWrites(t *testing.T) {
	t.Parallel()
	r := start(t)
	city := r.client(t, r.secrets.Cities["suzhou"])
	post := func(path string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, strings.NewReader("body"))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer x")
		response, err := city.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}
	require.Equal(t, http.StatusNoContent, post("/api/v1/write?x=y"))
	require.Equal(t, "POST /api/v1/write body ", <-r.got)
	require.Equal(t, http.StatusNoContent, post("/alertmanager/api/v2/alerts"))
	require.Equal(t, "POST /api/v2/alerts body ", <-r.got)
	require.Equal(t, http.StatusNotFound, post("/otlp/v1/logs"), "this hub has no Loki")
	require.Equal(t, http.StatusNotFound, post("/api/v1/query"))
	require.Equal(t, http.StatusNotFound, post("/api/v1/admin/tsdb/delete_series"))

	response, err := city.Get(r.url + "/api/v1/write")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)

	page := httptest.NewRecorder()
	r.metrics.serve(page, nil)
	require.Contains(t, page.Body.String(), `hub_gateway_requests_total{city="suzhou",path="/api/v1/write",code="204"} 1`)
	require.Contains(t, page.Body.String(), `hub_gateway_received_bytes_total{city="suzhou",path="/api/v1/write"} 4`)
}

func TestNobodyElseDoes(t *testing.T) {
	t.Parallel()
	r := start(t)
	stranger, err := mint.Region(mint.RegionSpec{Region: "east", Generation: 1, Cities: []string{"suzhou"}}, nil, time.Now())
	require.NoError(t, err)
	for name, pair := range map[string]mint.Pair{
		"without a certificate": {}, "with one of another region's CA": stranger.Cities["suzhou"], "with the hub's own": r.secrets.Hub,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, err := r.client(t, pair).Post(r.url+"/api/v1/write", "", strings.NewReader("body"))
			if err == nil {
				_ = response.Body.Close()
			}
			require.Error(t, err)
		})
	}
}

func TestParseFlags(t *testing.T) {
	t.Parallel()
	_, err := ParseFlags([]string{"-ca=a"}, io.Discard)
	require.EqualError(t, err, "-certificate: required\n-key: required")
	_, err = ParseFlags([]string{"-ca=a", "-certificate=b", "-key=c", "x"}, io.Discard)
	require.EqualError(t, err, `unexpected argument "x"`)
}
