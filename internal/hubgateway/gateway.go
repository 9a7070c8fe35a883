// Package hubgateway is what a region's hub shows the other cities. They come over the WAN, each with a certificate of the region's own CA, and may push
// metrics, logs and alerts: nothing else of what they reach is theirs to see, or to delete.
package hubgateway

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"
)

// maxBody is the most that one request may bring. Remote write and the log shipper send less than a tenth of it.
const maxBody = 16 << 20

// route is a path that the cities may POST to.
type route struct {
	path string
	// strip is what of the path the store behind does not know.
	strip string
	to    string
}

// handler answers the cities.
func (c Config) handler(m *metrics) (http.Handler, error) {
	mux := http.NewServeMux()
	for _, r := range []route{
		{path: "/api/v1/write", to: c.Prometheus},
		{path: "/otlp/v1/logs", to: c.Loki},
		{path: "/alertmanager/api/v2/alerts", strip: "/alertmanager", to: c.Alertmanager},
	} {
		if r.to == "" {
			continue
		}
		proxy, err := r.proxy()
		if err != nil {
			return nil, err
		}
		mux.Handle("POST "+r.path, m.count(r.path, http.MaxBytesHandler(proxy, maxBody)))
	}
	return mux, nil
}

func (r route) proxy() (http.Handler, error) {
	to, err := url.Parse(r.to)
	if err != nil || to.Host == "" {
		return nil, fmt.Errorf("%q is not an address", r.to)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			out := request.Out
			out.URL.Scheme, out.URL.Host, out.Host = to.Scheme, to.Host, to.Host
			out.URL.Path, out.URL.RawPath, out.URL.RawQuery = strings.TrimPrefix(r.path, r.strip), "", ""
			// What the stores behind would take for somebody's right or tenant.
			for _, name := range []string{"Authorization", "Cookie", "X-Scope-Orgid", "X-Forwarded-For"} {
				out.Header.Del(name)
			}
			request.SetXForwarded()
		},
		ErrorLog: log.New(os.Stderr, "", 0),
		// Both ends try again.
		Transport: &http.Transport{MaxIdleConnsPerHost: 16, ResponseHeaderTimeout: 30 * time.Second, IdleConnTimeout: time.Minute},
	}, nil
}

// city is the common name of the certificate that was shown: the TLS server has verified it.
func city(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	return r.TLS.PeerCertificates[0].Subject.CommonName
}
