package main

import (
	"time"

	orcapb "github.com/cncf/xds/go/xds/data/orca/v3"
	orcagrpc "github.com/cncf/xds/go/xds/service/orca/v3"
	"google.golang.org/grpc/orca"
)

// loadReports is grpc-go's out-of-band load reporting without its least interval of 30 seconds, which only the suite's
// own command can lower.
type loadReports struct {
	orcagrpc.UnimplementedOpenRcaServiceServer
	recorder orca.ServerMetricsRecorder
}

func (l loadReports) StreamCoreMetrics(
	request *orcagrpc.OrcaLoadReportRequest,
	stream orcagrpc.OpenRcaService_StreamCoreMetricsServer,
) error {
	ticker := time.NewTicker(max(request.GetReportInterval().AsDuration(), 100*time.Millisecond))
	defer ticker.Stop()
	for {
		metrics := l.recorder.(orca.ServerMetricsProvider).ServerMetrics()
		report := &orcapb.OrcaLoadReport{Utilization: metrics.Utilization}
		report.CpuUtilization = max(metrics.CPUUtilization, 0)
		report.MemUtilization = max(metrics.MemUtilization, 0)
		if err := stream.Send(report); err != nil {
			return err
		}
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-ticker.C:
		}
	}
}
